import { connect } from "@conat/conat";
import { useTestNats } from "@conat/conat/testing";
import { type Hub, startHub } from "@conat/hub";
import { afterAll, beforeAll, describe } from "vitest";
import { describeDkv } from "./dkv-behaviour.ts";
import { useDkvBench } from "./dkv-bench.ts";
import { describeDkvConflicts } from "./dkv-conflict-behaviour.ts";
import { describeDkvOptions } from "./dkv-options-behaviour.ts";

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
  const bench = useDkvBench(() => ({
    connect: (project_id) => {
      connections += 1;
      const address = hubs[connections % hubs.length]?.url;
      return connect({ address, identity: { account_id: "alice", projects: [project_id] } });
    },
  }));
  describeDkv(bench);
  describeDkvConflicts(bench);
  describeDkvOptions(bench);
});
