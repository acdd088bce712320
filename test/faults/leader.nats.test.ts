import { connect, type DKV, dkv } from "@conat/conat";
import { openJetstream } from "@conat/conat/jetstream";
import { eventually, type TestNats } from "@conat/conat/testing";
import { connect as connectToNats } from "@nats-io/transport-node";
import { describe, expect, it, onTestFinished } from "vitest";
import { startTcpProxy } from "../tcp-proxy.ts";
import { startTestCluster } from "../test-cluster.ts";
import { api, project_id, useBench } from "./bench.ts";
import { expectKept, startWork, untilMoreIsConfirmed } from "./work.ts";

const bench = useBench();
const BUCKET = "KV_conat-p0";

/** Longer than an election takes on a slow machine, and shorter than {@link DEADLINE_MS}. */
const PATIENCE_MS = 40_000;

/** What is only given up after this long does not end in time by being given up. */
const DEADLINE_MS = 80_000;

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

  it("send what it has not answered again as soon as there is another one, and nothing twice", async () => {
    const cluster = bench.later(await startTestCluster());
    await bench.hub({ natsUrl: cluster.url, replicas: 3 });
    const leader = await cluster.leaderOf(BUCKET);
    const [follower] = cluster.nodes.filter((node) => node !== leader);
    const client = bench.later(
      connect({ address: follower?.url ?? "", ackTimeoutMs: DEADLINE_MS }),
    );
    const store = await dkv<number>({ client, project_id, name: "work" });
    const seen = new Map<string, number[]>();
    store.on("change", ({ key, value = 0 }) => seen.set(key, [...(seen.get(key) ?? []), value]));
    const work = startWork(store, "w ");
    await untilMoreIsConfirmed(work);
    // The others go on sending it what it should store.
    await leader.kill("SIGSTOP");
    await untilMoreIsConfirmed(work, PATIENCE_MS);
    await leader.kill("SIGCONT");
    await untilMoreIsConfirmed(work, PATIENCE_MS);
    await work.stop();
    await expectKept(work, "w ", [store]);
    for (const values of seen.values()) {
      expect(values).toEqual([...new Set(values)].sort((a, b) => a - b));
    }
  }, 120_000);

  it("ask once where their bucket is, and again when it has another one", async () => {
    const cluster = bench.later(await startTestCluster());
    await bench.later(await openJetstream({ servers: cluster.url, replicas: 3 })).close();
    const leader = await cluster.leaderOf(BUCKET);
    const [follower] = cluster.nodes.filter((node) => node !== leader);
    const servers = follower?.url ?? "";
    const session = bench.later(await openJetstream({ servers, requestTimeoutMs: DEADLINE_MS }));
    const watcher = bench.later(await connectToNats({ servers }));
    const heard: string[] = [];
    const hear = (subject: string, what: string): void => {
      watcher.subscribe(`${subject}.${BUCKET}`, { callback: () => void heard.push(what) });
    };
    hear("$JS.API.STREAM.INFO", "STREAM.INFO");
    hear("$JS.EVENT.ADVISORY.STREAM.LEADER_ELECTED", "LEADER_ELECTED");
    await watcher.flush();
    const scope = { kind: "project", id: project_id } as const;
    const ref = { scope, name: "work", ephemeral: false, service: "" };
    const writing = setInterval(() => {
      const value = new TextEncoder().encode("1");
      const mutation = { key: "a", value, ttlMs: 0, expectedSeq: undefined, headers: undefined };
      const { origin } = session;
      session.write(ref, [{ ...mutation, origin, write: session.nextWrite() }], () => undefined);
    }, 20);
    onTestFinished(() => clearInterval(writing));
    await leader.kill();
    await eventually(() => expect(heard.length).toBeGreaterThan(2), { timeoutMs: PATIENCE_MS });
    expect(heard.slice(0, 3)).toEqual(["STREAM.INFO", "LEADER_ELECTED", "STREAM.INFO"]);
  }, 120_000);

  it("are back as soon as their buckets have leaders, whether or not the cluster itself has one", async () => {
    const cluster = bench.later(await startTestCluster());
    await bench.later(await openJetstream({ servers: cluster.url, replicas: 3 })).close();
    const leader = cluster.nodes.find(leadsCluster);
    const [follower] = cluster.nodes.filter((node) => node !== leader);
    const line = bench.later(await startTcpProxy(follower?.port ?? 0));
    const servers = `nats://127.0.0.1:${line.port}`;
    const session = bench.later(await openJetstream({ servers, requestTimeoutMs: DEADLINE_MS }));
    line.cut();
    await eventually(() => session.status.state !== "ready");
    await leader?.kill("SIGSTOP");
    line.mend();
    await session.ready(PATIENCE_MS);
  }, 120_000);
});

function leadsCluster(node: TestNats): boolean {
  return node.log().includes("Self is new JetStream cluster metadata leader");
}
