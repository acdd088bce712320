import { cp, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type DKV, type DkvLost, dkv } from "@conat/conat";
import { mergeSet } from "@conat/conat/merge";
import { eventually } from "@conat/conat/testing";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { startTcpProxy } from "../tcp-proxy.ts";
import { startTestCluster } from "../test-cluster.ts";
import { api, project_id, useBench } from "./bench.ts";

const bench = useBench();
const BUCKET = "KV_conat-p0";

/** What a store reports as lost, and the kinds of its errors. */
function watch<T>(store: DKV<T>): { lost: DkvLost<T>[]; errors: string[] } {
  const seen = { lost: [] as DkvLost<T>[], errors: [] as string[] };
  store.on("lost", (lost) => seen.lost.push(lost as DkvLost<T>));
  store.on("error", ({ kind }) => seen.errors.push(kind));
  return seen;
}

/** The history that a newcomer is told to be in. */
function epochOf(url: string): Promise<string> {
  const scope = { kind: "project", id: project_id } as const;
  const ref = { scope, name: "notes", ephemeral: false, service: "" };
  return new Promise((resolve) => {
    bench.client(url).session.openStore(ref, (event) => {
      if (event.type === "reset") resolve(event.epoch);
    });
  });
}

describe("a server that loses its memory", () => {
  it("makes clients report what they had stored there, and start anew", async () => {
    const nats = await bench.nats();
    const hub = await bench.hub({ natsUrl: nats.url });
    const options = { project_id, name: "presence", ephemeral: true };
    const alice = await dkv<string>({ client: bench.client(hub.url), ...options });
    const bob = await dkv<string>({ client: bench.client(nats.url), ...options });
    alice.set("alice", "here");
    bob.set("bob", "here");
    await Promise.all([alice.save(), bob.save()]);
    await eventually(() => expect([alice.size, bob.size]).toEqual([2, 2]));
    const seen = [watch(alice), watch(bob)];
    const removed: string[] = [];
    alice.on("change", ({ key, value }) => value === undefined && removed.push(key));
    await nats.kill();
    await nats.restart();
    await eventually(() => expect([alice.size, bob.size]).toEqual([0, 0]));
    expect(seen).toEqual([
      { lost: [expect.objectContaining({ key: "alice", value: "here" })], errors: ["epoch-lost"] },
      { lost: [expect.objectContaining({ key: "bob", value: "here" })], errors: ["epoch-lost"] },
    ]);
    expect(removed.toSorted()).toEqual(["alice", "bob"]);
    bob.set("bob", "again");
    await eventually(() => expect(alice.get("bob")).toBe("again"));
  });

  it("is given everything back by clients that offer it again", async () => {
    const nats = await bench.nats();
    const hub = await bench.hub({ natsUrl: nats.url });
    const options = { project_id, name: "presence", ephemeral: true, reoffer: true };
    const alice = await dkv<string>({ client: bench.client(hub.url), ...options });
    const bob = await dkv<string>({ client: bench.client(nats.url), ...options });
    alice.set("alice", "here");
    bob.set("bob", "here");
    await Promise.all([alice.save(), bob.save()]);
    await nats.kill();
    await nats.restart();
    const all = { alice: "here", bob: "here" };
    await eventually(() => expect([alice.get(), bob.get()]).toEqual([all, all]));
    await Promise.all([alice.save(), bob.save()]);
  });

  it("in a cluster, whose nodes remember that there was a bucket, is noticed all the same", async () => {
    const cluster = bench.later(await startTestCluster());
    const hub = await bench.hub({ natsUrl: cluster.url, replicas: 3 });
    const options = { project_id, name: "presence", ephemeral: true };
    const store = await dkv<string>({ client: bench.client(hub.url), ...options });
    store.set("a", "1");
    store.set("b", "1");
    await store.save();
    const seen = watch(store);
    await Promise.all(cluster.nodes.map((node) => node.kill()));
    await Promise.all(cluster.nodes.map((node) => node.restart()));
    await eventually(() => expect(store.size).toBe(0), { timeoutMs: 30_000 });
    expect(seen.lost.map(({ key }) => key)).toEqual(["a", "b"]);
    store.set("a", "2");
    await store.save();
    const other = await dkv<string>({ client: bench.client(cluster.url), ...options });
    expect(other.get()).toEqual({ a: "2" });
  }, 60_000);
});

describe("a bucket that was restored from an older backup", () => {
  let storeDir = "";
  beforeEach(async () => {
    storeDir = await mkdtemp(join(tmpdir(), "conat-epoch-"));
  });
  afterEach(() => rm(storeDir, { recursive: true }));

  it("is noticed by those who had seen more, through any hub and directly", async () => {
    const nats = await bench.nats({ storeDir: join(storeDir, "data") });
    const hub = await bench.hub({ natsUrl: nats.url });
    const options = { project_id, name: "notes" };
    const alice = await dkv<string>({ client: bench.client(hub.url), ...options });
    const bob = await dkv<string>({ client: bench.client(nats.url), ...options });
    alice.set("kept", "1");
    alice.set("changed", "1");
    await alice.save();
    await nats.kill("SIGTERM");
    await cp(join(storeDir, "data"), join(storeDir, "backup"), { recursive: true });
    await nats.restart();
    await eventually(() => alice.status === "live" && bob.status === "live");
    alice.set("changed", "2");
    bob.set("added", "2");
    await Promise.all([alice.save(), bob.save()]);
    await eventually(() => expect(bob.get("changed")).toBe("2"));
    const seen = [watch(alice), watch(bob)];
    await nats.kill("SIGTERM");
    await rm(join(storeDir, "data"), { recursive: true });
    await cp(join(storeDir, "backup"), join(storeDir, "data"), { recursive: true });
    await nats.restart();
    const restored = { kept: "1", changed: "1" };
    await eventually(() => expect([alice.get(), bob.get()]).toEqual([restored, restored]));
    expect(seen).toEqual([
      { lost: [expect.objectContaining({ key: "changed", value: "2" })], errors: ["epoch-lost"] },
      { lost: [expect.objectContaining({ key: "added", value: "2" })], errors: ["epoch-lost"] },
    ]);
    // All mean the same history from now on, newcomers included.
    const carol = await dkv<string>({ client: bench.client(nats.url), ...options });
    expect(carol.get()).toEqual(restored);
    bob.set("added", "3");
    await eventually(() => expect([alice.get("added"), carol.get("added")]).toEqual(["3", "3"]));
  });

  it("is given back what it lost through the merge", async () => {
    const nats = await bench.nats({ storeDir: join(storeDir, "data") });
    const merge = mergeSet<string[]>;
    const options = { project_id, name: "tags", merge, reoffer: true };
    const store = await dkv<string[]>({ client: bench.client(nats.url), ...options });
    store.set("tags", ["old"]);
    await store.save();
    await nats.kill("SIGTERM");
    await cp(join(storeDir, "data"), join(storeDir, "backup"), { recursive: true });
    await nats.restart();
    await eventually(() => store.status === "live");
    store.set("tags", ["old", "new"]);
    await store.save();
    await nats.kill("SIGTERM");
    await rm(join(storeDir, "data"), { recursive: true });
    await cp(join(storeDir, "backup"), join(storeDir, "data"), { recursive: true });
    await nats.restart();
    await eventually(() => store.status === "live");
    await store.save();
    const other = await dkv<string[]>({ client: bench.client(nats.url), project_id, name: "tags" });
    expect(new Set(other.get("tags"))).toEqual(new Set(["old", "new"]));
  });

  it("under a session that stays connected is noticed by its next write, and by whoever hears of that", async () => {
    const nats = await bench.nats();
    const options = { project_id, name: "notes" };
    const alice = await dkv<string>({ client: bench.client(nats.url), ...options });
    const bob = await dkv<string>({ client: bench.client(nats.url), ...options });
    for (const key of ["a", "b", "c"]) {
      alice.set(key, "1");
      await alice.save();
    }
    await eventually(() => expect(bob.size).toBe(3));
    const before = await epochOf(nats.url);
    // The same bucket, put back as it was in the beginning.
    const { config } = await api(nats.url, `STREAM.INFO.${BUCKET}`);
    await api(nats.url, `STREAM.DELETE.${BUCKET}`);
    await api(nats.url, `STREAM.CREATE.${BUCKET}`, Object(config));
    alice.set("d", "1");
    await alice.save();
    await eventually(() => expect([alice.get(), bob.get()]).toEqual([{ d: "1" }, { d: "1" }]));
    expect(await epochOf(nats.url)).not.toBe(before);
  });

  it("is noticed although more is written than was lost before anybody looks", async () => {
    const nats = await bench.nats();
    const options = { project_id, name: "notes" };
    const alice = await dkv<string>({ client: bench.client(nats.url), ...options });
    const bob = await dkv<string>({ client: bench.client(nats.url), ...options });
    alice.set("a", "1");
    await alice.save();
    await eventually(() => expect(bob.size).toBe(1));
    const seen = watch(alice);
    const { config } = await api(nats.url, `STREAM.INFO.${BUCKET}`);
    await api(nats.url, `STREAM.DELETE.${BUCKET}`);
    await api(nats.url, `STREAM.CREATE.${BUCKET}`, Object(config));
    const written: Record<string, string> = {};
    for (let key = 0; key < 100; key += 1) {
      alice.set(`k${key}`, "2");
      written[`k${key}`] = "2";
    }
    await alice.save();
    await eventually(() => expect([alice.get(), bob.get()]).toEqual([written, written]));
    expect(seen.lost.map(({ key }) => key)).toEqual(["a"]);
  });

  it("by being made again as it was configured is noticed by who was away and only reads, however much is written", async () => {
    const nats = await bench.nats();
    const line = bench.later(await startTcpProxy(nats.port));
    const options = { project_id, name: "notes" };
    const writer = await dkv<string>({ client: bench.client(nats.url), ...options });
    const address = `nats://127.0.0.1:${line.port}`;
    const reader = await dkv<string>({ client: bench.client(address), ...options });
    for (const key of ["a", "b", "c"]) writer.set(key, "1");
    await eventually(() => expect(reader.size).toBe(3));
    await writer.close();
    line.cut();
    const { config } = await api(nats.url, `STREAM.INFO.${BUCKET}`);
    for (let times = 0; times < 2; times += 1) {
      await api(nats.url, `STREAM.DELETE.${BUCKET}`);
      await api(nats.url, `STREAM.CREATE.${BUCKET}`, Object(config));
    }
    const client = bench.client(nats.url);
    const newcomer = await dkv<string>({ client, ...options });
    for (const key of ["b", "d", "e", "f", "g"]) newcomer.set(key, "2");
    await newcomer.save();
    line.mend();
    await eventually(() => expect(reader.get()).toEqual(newcomer.get()));
  });

  it("is noticed by a client that comes back to a hub that knows only the backup", async () => {
    const nats = await bench.nats();
    const first = await bench.hub({ natsUrl: nats.url });
    let port = first.port;
    const line = await startTcpProxy(() => port);
    bench.later(line);
    const options = { project_id, name: "notes" };
    const address = `http://127.0.0.1:${line.port}`;
    const alice = await dkv<string>({ client: bench.client(address), ...options });
    alice.set("a", "1");
    alice.set("b", "1");
    await alice.save();
    const seen = watch(alice);
    line.cut();
    await first.close();
    const { config } = await api(nats.url, `STREAM.INFO.${BUCKET}`);
    await api(nats.url, `STREAM.DELETE.${BUCKET}`);
    await api(nats.url, `STREAM.CREATE.${BUCKET}`, Object(config));
    const backend = await dkv<string>({ client: bench.client(nats.url), ...options });
    backend.set("a", "0");
    await backend.save();
    const second = await bench.hub({ natsUrl: nats.url });
    port = second.port;
    line.mend();
    await eventually(() => expect(alice.get()).toEqual({ a: "0" }));
    expect(seen.lost.map(({ key, value }) => [key, value])).toEqual([
      ["a", "1"],
      ["b", "1"],
    ]);
    backend.set("c", "2");
    await eventually(() => expect(alice.get("c")).toBe("2"));
  });
});
