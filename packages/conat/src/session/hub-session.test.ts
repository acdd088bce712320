import { afterEach, describe, expect, it } from "vitest";
import { encodeBlock } from "../protocol/block.ts";
import type { ConatError } from "../protocol/conat-error.ts";
import { createEntry, type Entry } from "../protocol/entry.ts";
import type { StoreRef, TopicRef } from "../protocol/scope.ts";
import { eventually } from "../testing/eventually.ts";
import { SETTLE_MS, STEADY_AFTER_MS } from "./connection-state.ts";
import { HubSession, type HubSessionOptions } from "./hub-session.ts";
import type { FeedEvent, Mutation, TopicMessage, WriteResult } from "./session.ts";
import { ManualEnvironment } from "./test-kit/manual-environment.ts";
import {
  type ScriptedConnection,
  type ScriptedHub,
  type ScriptedHubOptions,
  startScriptedHub,
} from "./test-kit/scripted-hub.ts";

const store: StoreRef = {
  scope: { kind: "project", id: "p1" },
  name: "build",
  ephemeral: false,
  service: "",
};
const wireStore = ["project", "p1", "build", 0, ""];
const topic: TopicRef = { scope: { kind: "project", id: "p1" }, path: "a.md", name: "cursors" };
const wireTopic = ["project", "p1", "a.md", "cursors"];
const text = new TextEncoder();

const cleanups: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function startHub(options?: ScriptedHubOptions): Promise<ScriptedHub> {
  const hub = await startScriptedHub(options);
  cleanups.push(() => hub.stop());
  return hub;
}

function openSession(address: string, options: Partial<HubSessionOptions> = {}): HubSession {
  const session = new HubSession({ address: new URL(address), ...options });
  cleanups.push(() => session.close());
  return session;
}

async function connected(
  options?: Partial<HubSessionOptions>,
): Promise<{ hub: ScriptedHub; session: HubSession; connection: ScriptedConnection }> {
  const hub = await startHub();
  const session = openSession(hub.address, options);
  await session.ready();
  return { hub, session, connection: await hub.connection() };
}

function entry(key: string, seq: number, value = `"${key}"`): Entry {
  return createEntry({ key, seq, time: 1_000 + seq, value: text.encode(value) });
}

function mutation(write: number, key: string, fields: Partial<Mutation> = {}): Mutation {
  return {
    key,
    value: text.encode('"v"'),
    origin: "",
    write,
    expectedSeq: undefined,
    ttlMs: 0,
    headers: undefined,
    ...fields,
  };
}

/** What a feed has told so far, entries as `key@seq`. */
function watch(session: HubSession, since?: { epoch: string; seq: number; time: number }) {
  const told: string[] = [];
  const events: FeedEvent[] = [];
  const feed = session.openStore(
    store,
    (event) => {
      events.push(event);
      told.push(
        event.type === "entries"
          ? event.batch.entries.map(({ key, seq }) => `${key}@${seq}`).join(" ")
          : event.type,
      );
    },
    { since },
  );
  return { feed, told, events };
}

describe("connecting", () => {
  it("introduces itself and is ready after the hub's welcome", async () => {
    const hub = await startHub({ welcome: false });
    const identity = { account_id: "a1", projects: ["p1"] };
    const session = openSession(hub.address, { token: "secret", identity });
    const connection = await hub.connection();
    expect(connection.hello).toEqual({
      v: 1,
      client: expect.stringMatching(/^[A-Za-z0-9_-]{16,64}$/),
      token: "secret",
      identity,
    });
    await eventually(() => session.status.state === "handshaking");
    expect(session.origin).toBe("");
    connection.welcome();
    await session.ready();
    expect(session.status).toEqual({ state: "ready", error: undefined, attempt: 0 });
    expect(session.origin).toBe(`${String(connection.hello.client)}@test`);
  });

  it("finds a hub under a path of its address", async () => {
    const hub = await startHub({ path: "/tools/conat/socket.io" });
    await openSession(`${hub.address}/tools/conat/`).ready();
  });

  it("keeps the server's time", async () => {
    const hub = await startHub({ welcome: false });
    const session = openSession(hub.address);
    const before = session.serverTime();
    expect(Math.abs(before - Date.now())).toBeLessThan(1_000);
    const hourAhead = Date.now() + 3_600_000;
    (await hub.connection()).welcome(hourAhead);
    await session.ready();
    expect(session.serverTime()).toBeGreaterThanOrEqual(hourAhead);
    expect(session.serverTime()).toBeLessThan(hourAhead + 60_000);
  });

  it("asks for a token at every connect, and waits for it", async () => {
    const hub = await startHub();
    let asked = 0;
    const token = async () => {
      asked += 1;
      return `token ${asked}`;
    };
    openSession(hub.address, { token });
    const first = await hub.connection(1);
    first.cut();
    const second = await hub.connection(2);
    expect([first.hello.token, second.hello.token]).toEqual(["token 1", "token 2"]);
    expect(second.hello.client).toBe(first.hello.client);
  });

  it("asks for another token when one is refused", async () => {
    const hub = await startHub();
    hub.refuse({ kind: "unauthenticated", message: "the token has expired" });
    let asked = 0;
    const session = openSession(hub.address, {
      token: () => {
        asked += 1;
        if (asked === 2) hub.refuse(undefined);
        return `token ${asked}`;
      },
    });
    await session.ready();
    expect((await hub.connection()).hello.token).toBe("token 2");
  });

  it("tries again when the token cannot be had just now", async () => {
    const hub = await startHub();
    let asked = 0;
    const session = openSession(hub.address, {
      token: () => {
        asked += 1;
        if (asked === 1) throw new Error("the token server is away");
        return "token";
      },
    });
    const errors: (string | undefined)[] = [];
    session.onStatus(({ error }) => errors.push(error?.message));
    await session.ready();
    expect(errors).toContain("the token server is away");
  });

  it("is refused with the hub's reason, and everything opened on it learns why", async () => {
    const hub = await startHub();
    hub.refuse({ kind: "forbidden", message: "this hub is for others" });
    const session = openSession(hub.address);
    const early = watch(session);
    const refusal = { kind: "forbidden", message: "this hub is for others" };
    await expect(session.ready()).rejects.toMatchObject(refusal);
    expect(session.status).toMatchObject({ state: "refused", error: refusal });
    const late = watch(session);
    const ended = new Promise<ConatError>((resolve) => {
      const ignore = () => {};
      session.subscribe(topic, { onMessage: ignore, onLagged: ignore, onClosed: resolve });
    });
    expect(await ended).toMatchObject(refusal);
    for (const { events } of [early, late]) {
      expect(events).toEqual([{ type: "closed", error: expect.objectContaining(refusal) }]);
    }
    await expect(session.read(store, "k")).rejects.toMatchObject(refusal);
    const [result] = await write(session, [mutation(1, "k")]);
    expect(result).toMatchObject({ ok: false, error: refusal });
  });

  it("refuses a hub that speaks an older protocol than it knows", async () => {
    const hub = await startHub({ welcome: false });
    const session = openSession(hub.address);
    const connection = await hub.connection();
    connection.send("welcome", { v: 0, origin: "o", time: 0, hub: "old" });
    await expect(session.ready()).rejects.toMatchObject({ kind: "protocol-version" });
  });

  it("gives up waiting, not trying, when nobody answers at the address", async () => {
    const hub = await startScriptedHub();
    await hub.stop();
    const session = openSession(hub.address);
    await expect(session.ready(100)).rejects.toMatchObject({
      kind: "timeout",
      message: expect.stringContaining(`no hub answers at ${hub.address}/`),
    });
    const again = await startHub({ port: Number(new URL(hub.address).port) });
    await session.ready();
    expect(again.connections).toHaveLength(1);
  });

  it("gives an attempt up when the hub accepts it and then says nothing", async () => {
    const hub = await startHub({ welcome: false });
    const session = openSession(hub.address, { connectTimeoutMs: 50 });
    const first = await hub.connection(1);
    const second = await hub.connection(2);
    await eventually(() => !first.open);
    second.welcome();
    await session.ready();
  });
});

function write(session: HubSession, mutations: readonly Mutation[]): Promise<WriteResult[]> {
  return new Promise((resolve) => {
    const results: WriteResult[] = [];
    session.write(store, mutations, (result) => {
      results.push(result);
      if (results.length === mutations.length) resolve(results);
    });
  });
}

describe("losing the connection", () => {
  it("comes back by itself, says so, and goes on", async () => {
    const { hub, session, connection } = await connected();
    const states: string[] = [];
    session.onStatus(({ state }) => states.push(state));
    connection.cut();
    await eventually(() => session.status.state === "connecting" || hub.connections.length === 2);
    await session.ready();
    expect(states).toEqual(["connecting", "handshaking", "ready"]);
    expect(hub.connections).toHaveLength(2);
  });

  it("notices a hub that is silent within its ping interval and timeout", async () => {
    const hub = await startHub({ pingIntervalMs: 40, pingTimeoutMs: 40 });
    const session = openSession(hub.address);
    await session.ready();
    const states: string[] = [];
    session.onStatus(({ error }) => error && states.push(error.message));
    (await hub.connection()).silence();
    await eventually(() => hub.connections.length === 2);
    expect(states[0]).toContain("was lost: ping timeout");
  });

  it("moves to another connection within the time the hub gives, and keeps listening until then", async () => {
    const environment = new ManualEnvironment();
    const { hub, session, connection } = await connected({ environment });
    const { told } = watch(session);
    await connection.next("open");
    connection.send("bye", "unavailable", "restarting", 1_000);
    connection.send("reset", 1, 7, 0, "e1", "os");
    await eventually(() => told.length === 1);
    expect(session.status).toMatchObject({
      state: "draining",
      error: { kind: "unavailable", message: "restarting" },
    });
    environment.advance(399);
    expect(session.status.state).toBe("draining");
    environment.advance(1);
    const next = await hub.connection(2);
    await session.ready();
    expect(await next.next("open")).toEqual([1, wireStore, null]);
    expect(told).toEqual(["reset", "stale"]);
    await eventually(() => !connection.open);
  });

  it("moves only when what it has sent is answered, and sends nothing more until it is there", async () => {
    const environment = new ManualEnvironment();
    const { hub, session, connection } = await connected({ environment });
    const results: WriteResult[] = [];
    session.write(store, [mutation(1, "a")], (result) => results.push(result));
    await connection.next("write");
    connection.send("bye", "unavailable", "restarting", 1_000);
    await eventually(() => session.status.state === "draining");
    environment.advance(400);
    await Promise.resolve();
    session.write(store, [mutation(2, "b")], (result) => results.push(result));
    const read = session.read(store, "a");
    await eventually(() => results.length === 1);
    expect(results).toMatchObject([{ write: 2, ok: false, error: { kind: "unavailable" } }]);
    expect([session.status.state, hub.connections.length]).toEqual(["draining", 1]);
    connection.send("ack", [1, 10], []);
    const next = await hub.connection(2);
    expect(results[1]).toMatchObject({ write: 1, ok: true, seq: 10 });
    expect(await next.next("read")).toEqual([1, wireStore, "a"]);
    next.send("entry", 1, encodeBlock([entry("a", 10)]), null);
    expect(await read).toMatchObject({ key: "a", seq: 10 });
  });

  it("moves in the end though an answer never comes", async () => {
    const environment = new ManualEnvironment();
    const { hub, session, connection } = await connected({ environment });
    const results: WriteResult[] = [];
    session.write(store, [mutation(1, "a")], (result) => results.push(result));
    await connection.next("write");
    connection.send("bye", "unavailable", "restarting", 0);
    await eventually(() => session.status.state === "draining");
    environment.advance(0);
    environment.advance(SETTLE_MS);
    await hub.connection(2);
    expect(results).toMatchObject([{ ok: false, error: { kind: "ambiguous" } }]);
  });

  it("goes to the next of several hubs, in turn, and round again", async () => {
    const [one, two] = [await startHub(), await startHub()];
    const environment = new ManualEnvironment();
    environment.randomness = 0;
    const session = openSession(one.address, {
      environment,
      address: [new URL(one.address), new URL(two.address)],
    });
    await session.ready();
    expect([one.connections.length, two.connections.length]).toEqual([1, 0]);
    (await one.connection()).cut();
    const moved = await two.connection();
    await session.ready();
    environment.advance(STEADY_AFTER_MS);
    moved.send("bye", "unavailable", "restarting", 0);
    await eventually(() => session.status.state === "draining");
    environment.advance(0);
    await one.connection(2);
  });

  it("ends for good when the hub says that it may not come back", async () => {
    const { hub, session, connection } = await connected();
    const { told } = watch(session);
    await connection.next("open");
    connection.send("bye", "revoked", "access was withdrawn", 1_000);
    await eventually(() => session.status.state === "refused");
    expect(told).toEqual(["stale", "closed"]);
    await eventually(() => !connection.open);
    expect(hub.connections).toHaveLength(1);
  });

  it("retries at once when the device is back online or the page is seen again", async () => {
    const environment = new ManualEnvironment();
    const hub = await startHub();
    hub.refuse({ kind: "unavailable", message: "not yet" });
    const session = openSession(hub.address, { environment });
    for (const event of ["online", "visible"] as const) {
      await eventually(() => session.status.state === "waiting");
      const { attempt } = session.status;
      environment.tell(event);
      expect(session.status).toMatchObject({ state: "connecting", attempt: attempt + 1 });
    }
    hub.refuse(undefined);
    await eventually(() => {
      environment.tell("visible");
      return session.status.state === "ready";
    });
  });

  it.each([
    ["live", [7, "no block", 4]],
    ["live", [7, new Uint8Array([200, 1, 2]), 4]],
    ["reset", ["1", 7, 0, "e1", "os"]],
    ["ack", [[1]]],
    ["entry", []],
  ])(
    "starts anew from what it knows when the hub sends a malformed %s message",
    async (event, message) => {
      const { hub, session, connection } = await connected();
      const { told } = watch(session);
      await connection.next("open");
      connection.send("reset", 1, 7, 0, "e1", "os");
      const time = Date.now();
      connection.send("synced", 1, ["e1", 3, time]);
      await eventually(() => told.length === 2);
      const messages: string[] = [];
      session.onStatus(({ error }) => error && messages.push(error.message));
      connection.send(event, ...message);
      const next = await hub.connection(2);
      expect(await next.next("open")).toEqual([1, wireStore, ["e1", 3, time]]);
      expect(messages[0]).toBe(`the hub sent a malformed "${event}" message`);
    },
  );

  it("ignores a kind of message that only a newer hub knows", async () => {
    const { hub, session, connection } = await connected();
    connection.send("constructor", 1);
    connection.send("sparkle", { new: true });
    const { told } = watch(session);
    await connection.next("open");
    connection.send("reset", 1, 7, 0, "e1", "os");
    await eventually(() => told.length === 1);
    expect(hub.connections).toHaveLength(1);
  });
});

describe("a feed", () => {
  it("tells a snapshot and what follows, in order", async () => {
    const { session, connection } = await connected();
    const { told, events } = watch(session);
    expect(await connection.next("open")).toEqual([1, wireStore, null]);
    connection.send("reset", 1, 7, 0, "e1", "disk");
    connection.send("snapshot", 1, encodeBlock([entry("a", 1), entry("b", 2)]));
    connection.send("live", 7, encodeBlock([entry("c", 4)]), 4);
    connection.send("synced", 1, ["e1", 3, 1_003]);
    connection.send("live", 7, encodeBlock([entry("a", 5), entry("d", 6)]), 6);
    await eventually(() => told.length === 5);
    expect(told).toEqual(["reset", "a@1 b@2", "c@4", "synced", "a@5 d@6"]);
    expect(events[0]).toEqual({ type: "reset", mode: "full", epoch: "e1", durability: "disk" });
    expect(events[3]).toEqual({
      type: "synced",
      checkpoint: { epoch: "e1", seq: 3, time: 1_003 },
    });
    expect(events[4]).toMatchObject({ batch: { position: 6 } });
  });

  it("continues from what the caller already has", async () => {
    const { session, connection } = await connected();
    const { told, events } = watch(session, { epoch: "e1", seq: 9, time: 1_009 });
    expect(await connection.next("open")).toEqual([1, wireStore, ["e1", 9, 1_009]]);
    connection.send("reset", 1, 7, 1, "e1", "os");
    await eventually(() => told.length === 1);
    expect(events[0]).toMatchObject({ mode: "delta" });
  });

  it("opened before there is a connection is opened when there is one", async () => {
    const hub = await startHub({ welcome: false });
    const session = openSession(hub.address);
    watch(session);
    const connection = await hub.connection();
    connection.welcome();
    expect(await connection.next("open")).toEqual([1, wireStore, null]);
  });

  it("continues after a lost connection where it had got to", async () => {
    const { hub, session, connection } = await connected();
    const { told } = watch(session);
    await connection.next("open");
    connection.send("reset", 1, 7, 0, "e1", "os");
    connection.send("synced", 1, ["e1", 3, 1_003]);
    connection.send("live", 7, encodeBlock([entry("a", 5)]), 5);
    connection.send("live", 7, encodeBlock([entry("b", 8)]), 0);
    await eventually(() => told.length === 4);
    connection.cut();
    const next = await hub.connection(2);
    // The sequence is that of the last position told; the time is when the feed was certainly complete.
    const since = (await next.next("open"))[2];
    expect(since).toEqual(["e1", 5, expect.any(Number)]);
    expect(told).toEqual(["reset", "synced", "a@5", "b@8", "stale"]);
  });

  it("continues from what its hub has verified, and names what it has beyond that", async () => {
    const { hub, session, connection } = await connected();
    const events: FeedEvent[] = [];
    const told = (verified: number): number[] => [6 - verified, 8 - verified];
    session.openStore(store, (event) => events.push(event), { told });
    await connection.next("open");
    connection.send("reset", 1, 7, 0, "e1", "os");
    connection.send("synced", 1, ["e1", 3, 1_003]);
    connection.send("verified", 7, 3);
    connection.send("live", 7, encodeBlock([entry("a", 6)]), 6);
    connection.send("verified", 7, 5);
    connection.send("live", 7, encodeBlock([entry("b", 8)]), 8);
    await eventually(() => events.length === 4);
    connection.cut();
    const next = await hub.connection(2);
    next.welcome();
    expect((await next.next("open")).slice(2)).toEqual([
      ["e1", 8, expect.any(Number)],
      [5, [1, 3]],
    ]);
    next.send("reset", 1, 7, 1, "e1", "os");
    next.send("verified", 7, 8);
    next.send("synced", 1, ["e1", 8, 1_008]);
    next.send("verified", 7, 8);
    await eventually(() => events.length === 7);
    next.cut();
    const last = await hub.connection(3);
    // Nothing is in doubt any more.
    expect((await last.next("open")).slice(2)).toEqual([["e1", 8, expect.any(Number)]]);
  });

  it("has not got anywhere while a delta is incomplete", async () => {
    const { hub, session, connection } = await connected();
    const { told } = watch(session, { epoch: "e1", seq: 2, time: 1_002 });
    await connection.next("open");
    connection.send("reset", 1, 7, 1, "e1", "os");
    connection.send("live", 7, encodeBlock([entry("a", 9)]), 9);
    await eventually(() => told.length === 2);
    connection.cut();
    const next = await hub.connection(2);
    expect(await next.next("open")).toEqual([1, wireStore, ["e1", 2, 1_002]]);
  });

  it("asks for everything when the bucket became another one and the snapshot was cut short", async () => {
    const { hub, session, connection } = await connected();
    const { told } = watch(session, { epoch: "e1", seq: 2, time: 1_002 });
    await connection.next("open");
    connection.send("reset", 1, 7, 0, "e2", "os");
    await eventually(() => told.length === 1);
    connection.cut();
    const next = await hub.connection(2);
    expect(await next.next("open")).toEqual([1, wireStore, null]);
  });

  it("vouches for the time shortly before the loss, not for the moment of it", async () => {
    const environment = new ManualEnvironment();
    const hub = await startHub({ welcome: false });
    const session = openSession(hub.address, { environment });
    const connection = await hub.connection();
    connection.welcome(5_000_000);
    await session.ready();
    const { told } = watch(session);
    await connection.next("open");
    connection.send("reset", 1, 7, 0, "e1", "os");
    connection.send("synced", 1, ["e1", 3, 5_000_000]);
    await eventually(() => told.length === 2);
    environment.advance(3_600_000);
    connection.cut();
    const next = await hub.connection(2);
    next.welcome(8_600_100);
    expect(await next.next("open")).toEqual([1, wireStore, ["e1", 3, 8_540_000]]);
  });

  it("that the hub resets by itself starts again", async () => {
    const { session, connection } = await connected();
    const { told, events } = watch(session);
    await connection.next("open");
    connection.send("reset", 1, 7, 0, "e1", "os");
    connection.send("synced", 1, ["e1", 3, 1_003]);
    connection.send("stale", 1, "limit-exceeded", "too slow");
    connection.send("reset", 1, 8, 0, "e1", "os");
    connection.send("live", 7, encodeBlock([entry("old", 4)]), 4);
    connection.send("live", 8, encodeBlock([entry("new", 5)]), 5);
    await eventually(() => told.includes("new@5"));
    expect(told).toEqual(["reset", "synced", "stale", "reset", "new@5"]);
    expect(events[2]).toMatchObject({ error: { kind: "limit-exceeded", message: "too slow" } });
  });

  it("that the hub closes is over, with the hub's reason", async () => {
    const { hub, session, connection } = await connected();
    const { told, events } = watch(session);
    await connection.next("open");
    connection.send("closed", 1, "forbidden", "not your project");
    await eventually(() => told.length === 1);
    expect(events[0]).toMatchObject({
      type: "closed",
      error: { kind: "forbidden", message: "not your project" },
    });
    connection.cut();
    const next = await hub.connection(2);
    await session.ready();
    expect(next.all("open")).toEqual([]);
  });

  it("that is closed hears nothing more and is not opened again", async () => {
    const { hub, session, connection } = await connected();
    const { feed, told } = watch(session);
    const other = watch(session);
    await connection.next("open", 2);
    connection.send("reset", 1, 7, 0, "e1", "os");
    connection.send("reset", 2, 7, 0, "e1", "os");
    await eventually(() => other.told.length === 1);
    feed.close();
    feed.close();
    expect(await connection.next("close")).toEqual([1]);
    connection.send("live", 7, encodeBlock([entry("a", 5)]), 5);
    await eventually(() => other.told.length === 2);
    expect(told).toEqual(["reset"]);
    connection.cut();
    const next = await hub.connection(2);
    await session.ready();
    expect((await next.next("open"))[0]).toBe(2);
    expect(next.all("open")).toHaveLength(1);
    expect(connection.all("close")).toHaveLength(1);
  });
});

describe("a write", () => {
  it("is sent as it is asked for and answered with its sequence", async () => {
    const { session, connection } = await connected();
    const results = write(session, [
      mutation(1, "a"),
      mutation(2, "b", { value: undefined, expectedSeq: 0 }),
      mutation(3, "c", { ttlMs: 5_000, headers: { by: "me" } }),
    ]);
    const value = text.encode('"v"');
    expect(await connection.next("write")).toEqual([
      wireStore,
      [
        [1, "a", expect.objectContaining(value), null],
        [2, "b", null, { s: 0 }],
        [3, "c", expect.objectContaining(value), { t: 5_000, h: { by: "me" } }],
      ],
    ]);
    connection.send("ack", [3, 12, 1, 10], [3]);
    connection.send("ack", [2, 11], []);
    expect(await results).toEqual([
      { write: 3, ok: true, seq: 12, duplicate: true },
      { write: 1, ok: true, seq: 10, duplicate: false },
      { write: 2, ok: true, seq: 11, duplicate: false },
    ]);
  });

  it("that is refused learns why, and what is there instead", async () => {
    const { session, connection } = await connected();
    const results = write(session, [mutation(1, "a"), mutation(2, "b"), mutation(3, "c")]);
    await connection.next("write");
    connection.send("nack", 1, "conflict", "a has changed", encodeBlock([entry("a", 9)]));
    connection.send("nack", 2, "conflict", "b has changed", null);
    connection.send("nack", 3, "a-kind-of-the-future", "because", null);
    const [a, b, c] = await results;
    expect(a).toMatchObject({
      ok: false,
      error: { kind: "conflict", message: "a has changed", current: { key: "a", seq: 9 } },
    });
    expect(b).toMatchObject({ ok: false, error: { kind: "conflict", current: undefined } });
    expect(c).toMatchObject({ ok: false, error: { kind: "internal", message: "because" } });
  });

  it("without a connection is certainly not stored, and is told so after the call has returned", async () => {
    const hub = await startHub({ welcome: false });
    const session = openSession(hub.address);
    let answered = false;
    const result = new Promise<WriteResult>((resolve) => {
      session.write(store, [mutation(1, "a")], (one) => {
        answered = true;
        resolve(one);
      });
    });
    expect(answered).toBe(false);
    expect(await result).toMatchObject({ ok: false, error: { kind: "unavailable" } });
  });

  it("under way when the connection is lost is perhaps stored, and a later answer changes nothing", async () => {
    const { session, connection } = await connected();
    const results: WriteResult[] = [];
    session.write(store, [mutation(1, "a"), mutation(2, "b")], (result) => results.push(result));
    await connection.next("write");
    connection.cut();
    await eventually(() => results.length === 2);
    expect(results.map((result) => !result.ok && result.error.kind)).toEqual([
      "ambiguous",
      "ambiguous",
    ]);
    await session.ready();
    expect(results).toHaveLength(2);
  });

  it("that the hub never answers is perhaps stored after the deadline", async () => {
    const environment = new ManualEnvironment();
    const { session, connection } = await connected({ environment, ackTimeoutMs: 1_000 });
    const failed: number[] = [];
    const onResult = (result: WriteResult): void => {
      if (!result.ok) failed.push(result.write);
    };
    session.write(store, [mutation(1, "a"), mutation(2, "b")], onResult);
    environment.advance(600);
    session.write(store, [mutation(3, "c")], onResult);
    await connection.next("write", 2);
    connection.send("ack", [2, 10], []);
    const [result] = await new Promise<WriteResult[]>((resolve) => {
      session.write(store, [mutation(4, "d")], (one) => resolve([one]));
      connection.send("ack", [4, 11], []);
    });
    expect(result).toMatchObject({ ok: true });
    environment.advance(399);
    expect(failed).toEqual([]);
    environment.advance(1);
    expect(failed).toEqual([1]);
    environment.advance(600);
    expect(failed).toEqual([1, 3]);
    expect(session.status.state).toBe("ready");
  });

  it("of many keys travels in frames the hub takes, in order", async () => {
    const { session, connection } = await connected();
    const mutations = Array.from({ length: 2_500 }, (_, at) => mutation(at + 1, `k${at}`));
    session.write(store, mutations, () => {});
    const large = [1, 2, 3].map((at) =>
      mutation(9_000 + at, `large${at}`, { value: new Uint8Array(400_000) }),
    );
    session.write(store, large, () => {});
    await connection.next("write", 5);
    const frames = connection.all("write").map(([, wire]) => wire as [number][]);
    expect(frames.map(({ length }) => length)).toEqual([1_000, 1_000, 500, 2, 1]);
    expect(frames.flat().map(([write]) => write)).toEqual([
      ...mutations.map(({ write }) => write),
      9_001,
      9_002,
      9_003,
    ]);
  });

  it("too large for any frame is refused alone", async () => {
    const { session, connection } = await connected();
    const results: WriteResult[] = [];
    const mutations = [
      mutation(1, "large", { value: new Uint8Array(1_000_000) }),
      mutation(2, "small"),
    ];
    session.write(store, mutations, (result) => results.push(result));
    expect(results).toEqual([]);
    const [, wire] = await connection.next("write");
    expect(wire).toEqual([[2, "small", expect.anything(), null]]);
    expect(results).toMatchObject([{ write: 1, ok: false, error: { kind: "value-too-large" } }]);
  });
});

describe("a read", () => {
  it("gives the entry, nothing where there is none, or the hub's reason", async () => {
    const { session, connection } = await connected();
    const reads = ["a", "b", "c"].map((key) => session.read(store, key));
    await connection.next("read", 3);
    expect(connection.all("read")).toEqual([
      [1, wireStore, "a"],
      [2, wireStore, "b"],
      [3, wireStore, "c"],
    ]);
    connection.send("entry", 3, null, ["forbidden", "not yours"]);
    connection.send("entry", 2, encodeBlock([]), null);
    connection.send("entry", 1, encodeBlock([entry("a", 4)]), null);
    expect(await reads[0]).toMatchObject({ key: "a", seq: 4 });
    expect(await reads[1]).toBeUndefined();
    await expect(reads[2]).rejects.toMatchObject({ kind: "forbidden", message: "not yours" });
  });

  it("waits for a connection, fails by name when it is lost, and has a deadline", async () => {
    const environment = new ManualEnvironment();
    const hub = await startHub({ welcome: false });
    const session = openSession(hub.address, { environment });
    const early = session.read(store, "a");
    const connection = await hub.connection();
    connection.welcome();
    await connection.next("read");
    const lost = expect(early).rejects.toMatchObject({ kind: "unavailable" });
    connection.cut();
    await lost;
    const next = await hub.connection(2);
    next.welcome();
    await session.ready();
    const late = expect(session.read(store, "a")).rejects.toMatchObject({ kind: "timeout" });
    await next.next("read");
    environment.advance(30_000);
    await late;
  });
});

describe("topics", () => {
  function listen(session: HubSession) {
    const messages: TopicMessage[] = [];
    const lagged: number[] = [];
    const closed: ConatError[] = [];
    const subscription = session.subscribe(topic, {
      onMessage: (message) => messages.push(message),
      onLagged: (count) => lagged.push(count),
      onClosed: (error) => closed.push(error),
    });
    return { subscription, messages, lagged, closed };
  }

  it("are heard with their origin, across reconnects", async () => {
    const { hub, session, connection } = await connected();
    const { messages, lagged } = listen(session);
    expect(await connection.next("sub")).toEqual([1, wireTopic]);
    connection.send("subscribed", 1, 3);
    connection.send("msg", 3, "someone", text.encode("1"));
    connection.send("lagged", 1, 17);
    await eventually(() => lagged.length === 1);
    connection.cut();
    const next = await hub.connection(2);
    expect(await next.next("sub")).toEqual([1, wireTopic]);
    next.send("subscribed", 1, 9);
    next.send("msg", 3, "someone", text.encode("of another channel"));
    next.send("msg", 9, session.origin, text.encode("2"));
    await eventually(() => messages.length === 2);
    expect(messages.map(({ origin }) => origin)).toEqual(["someone", session.origin]);
    expect(messages.map(({ data }) => new TextDecoder().decode(data))).toEqual(["1", "2"]);
    expect(lagged).toEqual([17]);
  });

  it("that are refused are over, with the hub's reason", async () => {
    const { session, connection } = await connected();
    const { closed } = listen(session);
    await connection.next("sub");
    connection.send("unsubscribed", 1, "forbidden", "not your project");
    await eventually(() => closed.length === 1);
    expect(closed[0]).toMatchObject({ kind: "forbidden", message: "not your project" });
  });

  it("that are closed are not heard and not asked for again", async () => {
    const { hub, session, connection } = await connected();
    const { subscription, messages } = listen(session);
    const other = listen(session);
    await connection.next("sub", 2);
    connection.send("subscribed", 1, 3);
    connection.send("subscribed", 2, 3);
    connection.send("msg", 3, "", text.encode("1"));
    await eventually(() => messages.length === 1);
    subscription.close();
    subscription.close();
    expect(await connection.next("unsub")).toEqual([1]);
    connection.send("msg", 3, "", text.encode("2"));
    await eventually(() => other.messages.length === 2);
    expect(messages).toHaveLength(1);
    connection.cut();
    const next = await hub.connection(2);
    await next.next("sub");
    expect(next.all("sub")).toEqual([[2, wireTopic]]);
    expect(connection.all("unsub")).toHaveLength(1);
  });

  it("published to before the connection is up get the newest thousand messages, in order, after the subscriptions", async () => {
    const hub = await startHub({ welcome: false });
    const session = openSession(hub.address);
    for (let count = 1; count <= 1_200; count += 1) {
      session.publish(topic, { data: text.encode(String(count)), origin: "" });
    }
    listen(session);
    const connection = await hub.connection();
    connection.welcome();
    await connection.next("pub", 1_000);
    const numbers = connection
      .all("pub")
      .map(([, data]) => Number(new TextDecoder().decode(data as Uint8Array)));
    expect(numbers).toEqual(Array.from({ length: 1_000 }, (_, at) => at + 201));
    expect(connection.sent[0]).toEqual(["sub", 1, wireTopic]);
  });
});

describe("publishing faster than the hub reads", () => {
  it("keeps a bounded number of messages, the newest, and goes on when there is room", async () => {
    const { session, connection } = await connected();
    connection.read(false);
    const size = 100_000;
    const say = (number: number): void => {
      const data = new Uint8Array(size);
      new DataView(data.buffer).setUint32(0, number);
      session.publish(topic, { data, origin: "" });
    };
    // Hands over to the network in between, as an application does.
    for (let number = 1; number <= 300; number += 1) {
      say(number);
      if (number % 10 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    connection.read(true);
    const numbers = (): number[] =>
      connection.all("pub").map(([, data]) => {
        const { buffer, byteOffset } = data as Uint8Array;
        return new DataView(buffer, byteOffset).getUint32(0);
      });
    await eventually(() => numbers().at(-1) === 300);
    expect(numbers()).toEqual(numbers().sort((a, b) => a - b));
    expect(numbers().length).toBeLessThan(200);
    say(301);
    await eventually(() => numbers().at(-1) === 301);
  });
});

describe("closing", () => {
  it("answers everything that waits, and leaves nothing behind", async () => {
    const environment = new ManualEnvironment();
    const { hub, session, connection } = await connected({ environment });
    const { told } = watch(session);
    const results = write(session, [mutation(1, "a")]);
    const read = expect(session.read(store, "a")).rejects.toMatchObject({ kind: "closed" });
    const ended = new Promise<ConatError>((resolve) => {
      const ignore = () => {};
      session.subscribe(topic, { onMessage: ignore, onLagged: ignore, onClosed: resolve });
    });
    await connection.next("sub");
    const states: string[] = [];
    session.onStatus(({ state }) => states.push(state));
    await Promise.all([session.close(), session.close()]);
    expect(await results).toMatchObject([{ ok: false, error: { kind: "closed" } }]);
    expect(await ended).toMatchObject({ kind: "closed" });
    await read;
    expect(told).toEqual(["closed"]);
    expect(states).toEqual(["closed"]);
    await eventually(() => !connection.open);
    expect(environment.pendingTimers).toEqual([]);
    expect(environment.deviceListeners).toBe(0);
    expect(hub.connections).toHaveLength(1);
    // And what comes after is told the same.
    expect(await write(session, [mutation(2, "b")])).toMatchObject([
      { ok: false, error: { kind: "closed" } },
    ]);
    await expect(session.read(store, "a")).rejects.toMatchObject({ kind: "closed" });
    await expect(session.ready()).rejects.toMatchObject({ kind: "closed" });
    const late = watch(session);
    await eventually(() => late.told.length === 1);
    expect(late.told).toEqual(["closed"]);
    session.publish(topic, { data: text.encode("1"), origin: "" });
  });

  it("while it waits for its token or its connection makes no connection", async () => {
    const hub = await startHub();
    let give: (token: string) => void = () => {};
    const session = openSession(hub.address, {
      token: () =>
        new Promise<string>((resolve) => {
          give = resolve;
        }),
    });
    const ready = expect(session.ready()).rejects.toMatchObject({ kind: "closed" });
    await Promise.resolve();
    await session.close();
    give("too late");
    await ready;
    const other = openSession(hub.address);
    await other.ready();
    expect(hub.connections).toHaveLength(1);
  });

  it("lets what was just published leave", async () => {
    const { session, connection } = await connected();
    session.publish(topic, { data: text.encode("last words"), origin: "" });
    await session.close();
    await connection.next("pub");
  });
});

describe("a listener that throws", () => {
  it("is reported, and stops neither the others nor the session", async () => {
    const uncaught: unknown[] = [];
    const catcher = (error: unknown): void => {
      uncaught.push(error);
    };
    const others = process.listeners("uncaughtException");
    process.removeAllListeners("uncaughtException");
    process.on("uncaughtException", catcher);
    try {
      const { session, connection } = await connected();
      session.openStore(store, ({ type }) => {
        if (type !== "closed") throw new Error("mine");
      });
      const { told } = watch(session);
      await connection.next("open", 2);
      for (const id of [1, 2]) connection.send("reset", id, 7, 0, "e1", "os");
      connection.send("live", 7, encodeBlock([entry("a", 5)]), 5);
      await eventually(() => told.length === 2);
      await eventually(() => uncaught.length === 2);
      expect(uncaught).toEqual([new Error("mine"), new Error("mine")]);
      expect(session.status.state).toBe("ready");
    } finally {
      process.off("uncaughtException", catcher);
      for (const listener of others) process.on("uncaughtException", listener);
    }
  });
});
