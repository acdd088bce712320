import { type DKV, dkv } from "@conat/conat";
import { eventually } from "@conat/conat/testing";
import { expect, it } from "vitest";
import { startTcpProxy } from "../tcp-proxy.ts";
import { startTestCluster } from "../test-cluster.ts";
import { project_id, useBench } from "./bench.ts";
import { expectKept, startWork, untilMoreIsConfirmed } from "./work.ts";

const bench = useBench();
const BUCKET = "KV_conat-p0";

/** Longer than a write that nobody answers takes to be given up and sent again. */
const PATIENCE_MS = 40_000;

it("what leads the bucket is cut off from the other two: they carry on, and who is on its side has lost nothing", async () => {
  const cluster = bench.later(await startTestCluster());
  const hub = await bench.hub({ natsUrl: cluster.url, replicas: 3 });
  await dkv({ client: bench.client(hub.url), project_id, name: "work" });
  const leader = await cluster.leaderOf(BUCKET);
  const others = cluster.nodes.filter((node) => node !== leader);
  const addresses = [leader.url, ...others.map((node) => node.url), hub.url];
  const stores = await Promise.all(
    addresses.map((address): Promise<DKV<number>> => {
      return dkv<number>({ client: bench.client(address), project_id, name: "work" });
    }),
  );
  const works = stores.map((store, at) => startWork(store, `w${at} `));
  for (const work of works) await untilMoreIsConfirmed(work);
  for (const line of cluster.routesOf(leader)) line.cut();
  // These two have the majority, once they have noticed.
  for (const work of works.slice(1, 3)) await untilMoreIsConfirmed(work, PATIENCE_MS);
  const [cutOff] = works;
  const before = cutOff?.confirmed();
  await eventually(() => expect(works[1]?.confirmed()).toBeGreaterThan(200));
  expect(cutOff?.confirmed()).toBe(before);
  for (const line of cluster.routesOf(leader)) line.mend();
  for (const work of works) await untilMoreIsConfirmed(work, PATIENCE_MS);
  for (const work of works) await work.stop();
  for (const [at, work] of works.entries()) await expectKept(work, `w${at} `, stores);
}, 120_000);

it("who knows several nodes, and is connected to one that is cut off from the others, goes to another one", async () => {
  const cluster = bench.later(await startTestCluster());
  await bench.hub({ natsUrl: cluster.url, replicas: 3 });
  const leader = await cluster.leaderOf(BUCKET);
  const [other] = cluster.nodes.filter((node) => node !== leader);
  // Away when it connects for the first time, so that it is certain where it does; many, so that some are tried before.
  const lines = await Promise.all([1, 2, 3, 4, 5].map(() => startTcpProxy(other?.port ?? 0)));
  for (const line of lines) bench.later(line).cut();
  const address = [leader.url, ...lines.map(({ port }) => `nats://127.0.0.1:${port}`)].join();
  const store = await dkv<number>({ client: bench.client(address), project_id, name: "work" });
  const work = startWork(store, "w ");
  await untilMoreIsConfirmed(work);
  const far = await dkv<number>({
    client: bench.client(other?.url ?? ""),
    project_id,
    name: "work",
  });
  for (const line of lines) line.mend();
  for (const route of cluster.routesOf(leader)) route.cut();
  far.set("far", 1);
  await untilMoreIsConfirmed(work, PATIENCE_MS);
  await eventually(() => expect(store.get("far")).toBe(1));
  await work.stop();
  await expectKept(work, "w ", [store]);
}, 120_000);
