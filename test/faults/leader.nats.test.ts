import { type DKV, dkv } from "@conat/conat";
import { describe, expect, it } from "vitest";
import { startTestCluster } from "../test-cluster.ts";
import { api, project_id, useBench } from "./bench.ts";
import { expectKept, startWork, untilMoreIsConfirmed } from "./work.ts";

const bench = useBench();
const BUCKET = "KV_conat-p0";

describe("clients of a cluster of three", () => {
  it("carry on when the leader of their bucket hands over, and when it is killed", async () => {
    const cluster = bench.later(await startTestCluster());
    const hubs = await Promise.all(
      [1, 2].map(() => bench.hub({ natsUrl: cluster.url, replicas: 3 })),
    );
    const addresses = [...hubs.map((hub) => hub.url), cluster.url];
    const stores = await Promise.all(
      addresses.map((address): Promise<DKV<number>> => {
        return dkv<number>({ client: bench.client(address), project_id, name: "work" });
      }),
    );
    const works = stores.map((store, at) => startWork(store, `w${at} `));
    const goOn = async (): Promise<void> => {
      for (const work of works) await untilMoreIsConfirmed(work);
    };
    await goOn();
    const first = await cluster.leaderOf(BUCKET);
    await api(cluster.url, `STREAM.LEADER.STEPDOWN.${BUCKET}`);
    await goOn();
    const second = await cluster.leaderOf(BUCKET);
    expect(second).not.toBe(first);
    await second.kill();
    await goOn();
    expect(await cluster.leaderOf(BUCKET)).not.toBe(second);
    await second.restart();
    await goOn();
    for (const work of works) await work.stop();
    for (const [at, work] of works.entries()) await expectKept(work, `w${at} `, stores);
  }, 90_000);
});
