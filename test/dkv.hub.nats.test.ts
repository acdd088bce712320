import { connect } from "@conat/conat";
import { useTestNats } from "@conat/conat/testing";
import { type Hub, startHub } from "@conat/hub";
import { afterAll, beforeAll, describe } from "vitest";
import { useDkvBench } from "./dkv-bench.ts";
import { describeEveryBehaviour } from "./every-behaviour.ts";

describe("a store through hubs", () => {
  const nats = useTestNats();
  const hubs: Hub[] = [];
  let connections = 0;

  beforeAll(async () => {
    for (let count = 0; count < 2; count += 1) {
      hubs.push(await startHub({ port: 0, dev: true, natsUrl: nats().url }));
    }
  });
  afterAll(async () => {
    await Promise.all(hubs.map((hub) => hub.close()));
  });

  // Every other client is on the other hub.
  const nextAddress = (): string => {
    connections += 1;
    const hub = hubs[connections % hubs.length];
    if (hub === undefined) throw new Error("the hubs are only there inside a test");
    return hub.url;
  };
  describeEveryBehaviour(
    useDkvBench(() => ({
      address: nextAddress,
      connect: (address, project_id) =>
        connect({
          address,
          identity: { account_id: "alice", projects: { [project_id]: "owner" } },
        }),
    })),
  );
});
