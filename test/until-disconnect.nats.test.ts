import { type Client, connect, type DKV, dkv } from "@conat/conat";
import { eventually, useTestNats } from "@conat/conat/testing";
import { type Hub, type HubOptions, startHub } from "@conat/hub";
import { afterEach, describe, expect, it } from "vitest";
import { SpawnedHub } from "../packages/hub/src/test-kit/spawn-hub.ts";
import { startTcpProxy, type TcpProxy } from "./tcp-proxy.ts";

/** The shortest lifetime there is, in milliseconds. */
const SHORT_TTL_MS = 5_000;
/** Longer than any test. */
const LONG_TTL_MS = 120_000;
/** Soon over, in milliseconds. */
const GRACE_MS = 500;
/** Longer than any part of a test takes, in milliseconds. */
const PATIENCE = { timeoutMs: 60_000 };

/**
 * Tries with each of these times in turn: on a machine that is too busy for a short one, a longer one does. What is wrong
 * fails with all of them.
 */
async function withTime(
  timesMs: readonly number[],
  attempt: (timeMs: number) => Promise<void>,
): Promise<void> {
  let failure: unknown;
  for (const timeMs of timesMs) {
    try {
      await attempt(timeMs);
      return;
    } catch (error) {
      failure = error;
    }
  }
  throw failure;
}

/** To come back within. */
const GRACES_MS = [1_500, 6_000, 24_000];

describe("a key that is set until its writer disconnects", { timeout: 240_000 }, () => {
  const nats = useTestNats();
  const toClose: { close(): Promise<unknown> }[] = [];
  let projects = 0;
  let project_id = "";
  afterEach(async () => {
    for (const one of toClose.splice(0).reverse()) await one.close();
  });

  function keep<One extends { close(): Promise<unknown> }>(one: One): One {
    toClose.push(one);
    return one;
  }

  async function start(options: HubOptions = {}): Promise<Hub> {
    const base = { port: 0, dev: true, natsUrl: nats().url, disconnectGraceMs: GRACE_MS };
    return keep(await startHub({ ...base, ...options }));
  }

  async function line(hub: Hub): Promise<TcpProxy> {
    return keep(await startTcpProxy(hub.port));
  }

  /** A client, and its store of this test. */
  async function enter(
    ...addresses: (string | TcpProxy)[]
  ): Promise<{ client: Client; store: DKV<string> }> {
    const address = addresses.map((one) =>
      typeof one === "string" ? one : `http://127.0.0.1:${one.port}`,
    );
    const client = keep(
      connect({ address, identity: { account_id: "a", projects: [project_id] } }),
    );
    return { client, store: await dkv<string>({ client, project_id, name: "presence" }) };
  }

  /** Somebody who looks on, straight on NATS, and what they are told. */
  async function look(): Promise<{ store: DKV<string>; told: string[] }> {
    projects += 1;
    project_id = `presence-${projects}`;
    const { store } = await enter(nats().url);
    const told: string[] = [];
    store.on("change", ({ key, value }) => told.push(`${key}=${value}`));
    return { store, told };
  }

  async function set(
    store: DKV<string>,
    key: string,
    value: string,
    ttlMs: number = LONG_TTL_MS,
  ): Promise<void> {
    store.set(key, value, { untilDisconnect: true, ttlMs });
    await store.save();
  }

  it("is removed a grace after the connection is lost for good, and everybody is told", async () => {
    const bob = await look();
    const way = await line(await start());
    const alice = await enter(way);
    await set(alice.store, "alice", "here");
    const cutAt = performance.now();
    way.cut();
    await eventually(() => expect(bob.told).toEqual(["alice=here", "alice=undefined"]), PATIENCE);
    // A timer may be early by a millisecond, by two clocks.
    expect(performance.now() - cutAt).toBeGreaterThan(GRACE_MS - 10);
  });

  it("stays when its writer is back in time, and is set again when it comes later", () =>
    withTime(GRACES_MS, async (disconnectGraceMs) => {
      const bob = await look();
      const hub = await start({ disconnectGraceMs });
      const [hers, theirs] = [await line(hub), await line(hub)];
      const alice = await enter(hers);
      const carol = await enter(theirs);
      await set(alice.store, "alice", "here");
      await set(carol.store, "carol", "here");
      hers.cut();
      await eventually(() => alice.store.status === "stale", PATIENCE);
      theirs.cut();
      hers.mend();
      // Her grace began before that of the one who is removed now.
      await eventually(() => !bob.store.has("carol"), PATIENCE);
      expect(bob.told).not.toContain("alice=undefined");
      expect(bob.store.get("alice")).toBe("here");
      theirs.mend();
      await eventually(() => bob.store.get("carol") === "here", PATIENCE);
      await eventually(() => expect(carol.store.writes()).toEqual([]), PATIENCE);
    }));

  it("stays when its writer goes on at another hub, which looks after it from then on", () =>
    withTime(GRACES_MS, async (disconnectGraceMs) => {
      const bob = await look();
      const [one, two] = [await start({ disconnectGraceMs }), await start({ disconnectGraceMs })];
      let target = one.port;
      const [hers, theirs] = [keep(await startTcpProxy(() => target)), await line(one)];
      const alice = await enter(hers);
      const carol = await enter(theirs);
      await set(alice.store, "alice", "here");
      await set(carol.store, "carol", "here");
      target = two.port;
      hers.cut();
      await eventually(() => alice.store.status === "stale", PATIENCE);
      theirs.cut();
      hers.mend();
      await eventually(() => !bob.store.has("carol"), PATIENCE);
      expect(bob.told).not.toContain("alice=undefined");
      expect(bob.store.get("alice")).toBe("here");
      hers.cut();
      await eventually(() => !bob.store.has("alice"), PATIENCE);
    }));

  it("is removed at once when its writer closes the client, or the store", async () => {
    const bob = await look();
    const hub = await start({ disconnectGraceMs: 60_000 });
    const alice = await enter(hub.url);
    const carol = await enter(hub.url);
    const direct = await enter(nats().url);
    await set(alice.store, "alice", "here");
    await set(carol.store, "carol", "here");
    await set(direct.store, "direct", "here");
    await eventually(() => bob.store.size === 3);
    await alice.client.close();
    await carol.store.close();
    await direct.client.close();
    await eventually(() => expect(bob.store.keys()).toEqual([]));
  });

  it("outlives its lifetime as long as its writer is there, behind a hub or straight on NATS", () =>
    withTime([SHORT_TTL_MS, 4 * SHORT_TTL_MS], async (ttlMs) => {
      const bob = await look();
      const alice = await enter((await start()).url);
      const direct = await enter(nats().url);
      const own: boolean[] = [];
      alice.store.on("change", (change) => {
        if (change.key === "alice") own.push(change.own);
      });
      await set(alice.store, "alice", "here", ttlMs);
      await set(direct.store, "direct", "here", ttlMs);
      const versions = (key: string): number =>
        bob.told.filter((one) => one === `${key}=here`).length;
      // A new version comes every half of the lifetime.
      await eventually(() => versions("alice") >= 4 && versions("direct") >= 4, PATIENCE);
      expect(bob.told).not.toContain("alice=undefined");
      expect(bob.told).not.toContain("direct=undefined");
      expect(own).not.toContain(false);
    }));

  it("ends with its lifetime when the hub dies", async () => {
    const bob = await look();
    const hub = new SpawnedHub(["--dev", "--port", "0", "--nats-url", nats().url]);
    const url = await hub.url();
    const alice = await enter(url);
    await set(alice.store, "alice", "here", SHORT_TTL_MS);
    await hub.kill("SIGKILL");
    await eventually(() => expect(bob.told.at(-1)).toBe("alice=undefined"), PATIENCE);
  });

  it("stays when somebody else, or its writer for good, has written it since", async () => {
    const bob = await look();
    const way = await line(await start());
    const alice = await enter(way);
    for (const key of ["taken", "kept", "alice"]) await set(alice.store, key, "here");
    await eventually(() => bob.store.size === 3);
    bob.store.set("taken", "by bob");
    await bob.store.save();
    alice.store.set("kept", "for good");
    await alice.store.save();
    way.cut();
    await eventually(() => !bob.store.has("alice"));
    expect(bob.store.get()).toEqual({ taken: "by bob", kept: "for good" });
    bob.store.delete("taken");
    way.mend();
    await eventually(() => bob.store.has("alice"));
    expect(bob.store.get()).toEqual({ alice: "here", kept: "for good" });
  });

  it("of which there are too many is refused by name, and so is what cannot work", async () => {
    await look();
    const { store } = await enter((await start({ limits: { maxUntilDisconnect: 2 } })).url);
    await set(store, "a", "1");
    await set(store, "b", "1");
    await set(store, "a", "2");
    await expect(set(store, "c", "1")).rejects.toMatchObject({ kind: "limit-exceeded" });
    expect(store.get()).toEqual({ a: "2", b: "1" });
    expect(() => store.set("d", "1", { untilDisconnect: true, ttlMs: SHORT_TTL_MS - 1 })).toThrow(
      /5000/,
    );
  });
});
