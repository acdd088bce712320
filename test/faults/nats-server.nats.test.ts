import { setTimeout as sleep } from "node:timers/promises";
import { type DKV, dkv } from "@conat/conat";
import { eventually, type TestNats } from "@conat/conat/testing";
import { describe, expect, it } from "vitest";
import { startTestCluster } from "../test-cluster.ts";
import { project_id, useBench } from "./bench.ts";
import { expectKept, startWork, untilMoreIsConfirmed } from "./work.ts";

const bench = useBench();

/** The same store through a hub and straight on NATS. */
async function open(nats: TestNats): Promise<[DKV<number>, DKV<number>]> {
  const hub = await bench.hub({ natsUrl: nats.url });
  const options = { project_id, name: "work" };
  return [
    await dkv<number>({ client: bench.client(hub.url), ...options }),
    await dkv<number>({ client: bench.client(nats.url), ...options }),
  ];
}

describe("two clients that write while the nats-server", () => {
  it.each<[what: string, fault: (nats: TestNats) => Promise<void>]>([
    ["is restarted", (nats) => nats.restart()],
    [
      "is killed by force",
      async (nats) => {
        await nats.kill("SIGKILL");
        await nats.restart();
      },
    ],
    [
      "stands still",
      async (nats) => {
        await nats.kill("SIGSTOP");
        // Longer than a round trip takes, shorter than it takes to be given up.
        await sleep(1_000);
        await nats.kill("SIGCONT");
      },
    ],
  ])("%s lose nothing that was acknowledged", async (_what, fault) => {
    const nats = await bench.nats();
    const stores = await open(nats);
    const [first, second] = stores;
    const works = [startWork(first, "a"), startWork(second, "b")] as const;
    for (const work of works) await untilMoreIsConfirmed(work);
    await fault(nats);
    for (const work of works) await untilMoreIsConfirmed(work);
    for (const work of works) await work.stop();
    await expectKept(works[0], "a", stores);
    await expectKept(works[1], "b", stores);
    for (const store of stores) expect(store.status).toBe("live");
  });
});

it("a hub whose servers run before JetStream does waits for it, and so do its clients", async () => {
  const cluster = bench.later(await startTestCluster());
  const [alone, ...others] = cluster.nodes;
  // One node of three has JetStream, and nobody who may decide anything.
  await Promise.all(others.map((node) => node.kill()));
  const opening = bench.hub({ natsUrl: alone?.url ?? "", replicas: 3, connectTimeoutMs: 60_000 });
  const direct = dkv({ client: bench.client(alone?.url ?? ""), project_id, name: "early" });
  await expect(Promise.race([opening, direct, sleep(500, "waiting")])).resolves.toBe("waiting");
  await Promise.all(others.map((node) => node.restart()));
  const hub = await opening;
  const store = await dkv({ client: bench.client(hub.url), project_id, name: "early" });
  store.set("a", 1);
  await store.save();
  const other = await direct;
  await eventually(() => expect(other.get("a")).toBe(1));
}, 60_000);
