import {
  ConatError,
  createEntry,
  type FeedEvent,
  type Mutation,
  type StoreRef,
  type TopicRef,
  type WriteResult,
} from "@conat/conat/internal";
import { describe, expect, it } from "vitest";
import { ScriptedSession } from "../test-kit/scripted-session.ts";
import { accountIdentity, projectIdentity } from "./identity.ts";
import { ScopedSession } from "./scoped-session.ts";

const CLIENT = "client-instance-0001";
const mine: StoreRef = {
  scope: { kind: "project", id: "mine" },
  name: "s",
  ephemeral: false,
  service: "",
};
const theirs: StoreRef = { ...mine, scope: { kind: "project", id: "theirs" } };
const topic: TopicRef = { scope: { kind: "project", id: "mine" }, path: "", name: "t" };

function setUp(identity = accountIdentity("me", ["mine"])) {
  const inner = new ScriptedSession();
  const session = new ScopedSession(inner, { identity, client: CLIENT, maxValueBytes: 10 });
  return { inner, session };
}

function mutation(fields: Partial<Mutation>): Mutation {
  return {
    key: "k",
    value: new Uint8Array([1]),
    origin: "",
    write: 1,
    expectedSeq: undefined,
    ttlMs: 0,
    headers: undefined,
    ...fields,
  };
}

async function writeAll(session: ScopedSession, ref: StoreRef, mutations: Mutation[]) {
  const results: WriteResult[] = [];
  session.write(ref, mutations, (result) => results.push(result));
  expect(results).toEqual([]);
  await Promise.resolve();
  await Promise.resolve();
  return new Map(results.map((result) => [result.write, result.ok ? "stored" : result.error.kind]));
}

describe("an identity reaches only its own scopes", () => {
  it("opens a store of a project it lists, and hears what is in it", () => {
    const { inner, session } = setUp();
    session.openStore(mine, () => undefined);
    expect(inner.feeds.map((feed) => feed.ref)).toEqual([mine]);
  });

  it("is told by name that a foreign store is forbidden, and the server never hears of it", async () => {
    const { inner, session } = setUp();
    const events: FeedEvent[] = [];
    session.openStore(theirs, (event) => events.push(event));
    expect(events).toEqual([]);
    await Promise.resolve();
    expect(events).toMatchObject([{ type: "closed", error: { kind: "forbidden" } }]);
    expect(inner.feeds).toEqual([]);
    await expect(session.read(theirs, "k")).rejects.toMatchObject({
      kind: "forbidden",
      message: "account me may not read in scope project/theirs",
    });
    expect(await writeAll(session, theirs, [mutation({ write: 7 })])).toEqual(
      new Map([[7, "forbidden"]]),
    );
    expect(inner.writes).toEqual([]);
  });

  it("lists and destroys stores only where its role allows that", async () => {
    const { inner, session } = setUp(accountIdentity("me", { mine: "owner", seen: "viewer" }));
    const seen: StoreRef = { ...mine, scope: { kind: "project", id: "seen" } };
    expect(await session.listStores(mine.scope)).toEqual([]);
    expect(await session.listStores(seen.scope)).toEqual([]);
    await session.destroyStore(mine);
    const forbidden = { kind: "forbidden" };
    await expect(session.destroyStore(seen)).rejects.toMatchObject(forbidden);
    await expect(session.destroyStore(theirs)).rejects.toMatchObject(forbidden);
    await expect(session.listStores(theirs.scope)).rejects.toMatchObject(forbidden);
    const hub: StoreRef = { ...mine, scope: { kind: "hub", id: "" }, name: "public" };
    await expect(session.listStores(hub.scope)).rejects.toMatchObject(forbidden);
    await expect(session.destroyStore(hub)).rejects.toMatchObject(forbidden);
    expect(inner.destroyed).toEqual([mine]);
    await session.close();
    await expect(session.listStores(mine.scope)).rejects.toMatchObject({ kind: "closed" });
    await expect(session.destroyStore(mine)).rejects.toMatchObject({ kind: "closed" });
  });

  it("cannot listen or talk where it does not belong", async () => {
    const { inner, session } = setUp();
    const foreign: TopicRef = { ...topic, scope: { kind: "account", id: "you" } };
    const closed: ConatError[] = [];
    const silent = { onMessage: () => undefined, onLagged: () => undefined };
    session.subscribe(foreign, { ...silent, onClosed: (error) => closed.push(error) });
    await Promise.resolve();
    expect(closed).toMatchObject([{ kind: "forbidden" }]);
    const message = { data: new Uint8Array(), origin: "" };
    expect(() => session.publish(foreign, message)).toThrow(/may not publish/);
    expect(inner.subscriptions).toEqual([]);
    expect(inner.published).toEqual([]);
  });

  it("a reader who has closed in the meantime is not told of a refusal", async () => {
    const { session } = setUp();
    const events: FeedEvent[] = [];
    session.openStore(theirs, (event) => events.push(event)).close();
    await Promise.resolve();
    expect(events).toEqual([]);
  });

  it("a service that does not exist is refused by name", async () => {
    const { session } = setUp();
    await expect(session.read({ ...mine, service: "other" }, "k")).rejects.toMatchObject({
      kind: "bad-options",
    });
  });
});

describe("what an identity writes carries its own origin", () => {
  it("whatever the caller claims", async () => {
    const { inner, session } = setUp();
    await writeAll(session, mine, [mutation({ origin: "somebody.else" })]);
    session.publish(topic, { data: new Uint8Array(), origin: "somebody.else" });
    expect(inner.writes[0]?.mutations[0]?.origin).toBe(session.origin);
    expect(inner.published[0]?.message.origin).toBe(session.origin);
  });

  it("two principals with the same client id have different origins, and one has the same on every hub", () => {
    const origins = [
      accountIdentity("a"),
      accountIdentity("b"),
      projectIdentity("a"),
      accountIdentity("a", ["p"]),
    ].map((identity) => setUp(identity).session.origin);
    expect(new Set(origins).size).toBe(3);
    expect(origins[3]).toBe(origins[0]);
    for (const origin of origins) expect(origin.endsWith(`.${CLIENT}`)).toBe(true);
  });
});

describe("a mutation that cannot be stored is refused alone", () => {
  const refused: [string, Partial<Mutation>, string][] = [
    ["too large a value", { value: new Uint8Array(11) }, "value-too-large"],
    ["too long a key", { key: "k".repeat(16_385) }, "bad-name"],
    ["half a surrogate pair in the key", { key: "\ud800" }, "bad-name"],
    ["a lifetime beyond the server's range", { ttlMs: 1e15 }, "bad-request"],
    ["a header that steers NATS", { headers: { "nats-Rollup": "all" } }, "bad-request"],
    ["a header that says what conat does", { headers: { "Conat-Key": "x" } }, "bad-request"],
    ["too many header bytes", { headers: { a: "b".repeat(17_000) } }, "value-too-large"],
  ];

  it.each(refused)("%s", async (_what, fields, kind) => {
    const { inner, session } = setUp();
    const results = await writeAll(session, mine, [
      mutation({ write: 1 }),
      mutation({ write: 2, ...fields }),
      mutation({ write: 3, headers: { "X-Fine": "yes" } }),
    ]);
    expect(results).toEqual(
      new Map([
        [1, "stored"],
        [2, kind],
        [3, "stored"],
      ]),
    );
    expect(inner.writes).toHaveLength(1);
  });
});

it("closing ends what was opened through it, says so, and ends nothing else", async () => {
  const { inner, session } = setUp();
  const other = new ScopedSession(inner, {
    identity: accountIdentity("me", ["mine"]),
    client: CLIENT,
  });
  const events: FeedEvent[] = [];
  const closed: string[] = [];
  const states: string[] = [];
  session.onStatus(({ state }) => states.push(state));
  session.openStore(mine, (event) => events.push(event));
  session.openStore(mine, () => undefined).close();
  session.subscribe(topic, {
    onMessage: () => undefined,
    onLagged: () => undefined,
    onClosed: (error) => closed.push(error.kind),
  });
  other.openStore(mine, () => undefined);
  await session.close();
  await session.close();
  expect(inner.feeds.map((feed) => feed.isClosed)).toEqual([true, true, false]);
  expect(inner.subscriptions.map((one) => one.isClosed)).toEqual([true]);
  expect(inner.isClosed).toBe(false);
  expect(events).toMatchObject([{ type: "closed", error: { kind: "closed" } }]);
  expect(closed).toEqual(["closed"]);
  expect(states).toEqual(["closed"]);
  expect(session.status.state).toBe("closed");
  await expect(session.read(mine, "k")).rejects.toMatchObject({ kind: "closed" });
});

it("writes nothing while the hub is cut off: what it reads then may be old", async () => {
  const inner = new ScriptedSession();
  let isFenced = true;
  const options = { identity: accountIdentity("me", ["mine"]), client: CLIENT };
  const session = new ScopedSession(inner, { ...options, isFenced: () => isFenced });
  expect(await writeAll(session, mine, [mutation({})])).toEqual(new Map([[1, "unavailable"]]));
  expect(inner.writes).toEqual([]);
  isFenced = false;
  session.write(mine, [mutation({ write: 2 })], () => undefined);
  expect(inner.writes).toHaveLength(1);
});

describe("rights that go while an answer is under way", () => {
  it("take with them what a conflict would tell of what is stored", async () => {
    const { inner, session } = setUp();
    let answer: ((result: WriteResult) => void) | undefined;
    inner.write = (_ref, _mutations, onResult) => {
      answer = onResult;
    };
    const results: WriteResult[] = [];
    session.write(mine, [mutation({ expectedSeq: 1 })], (result) => results.push(result));
    const current = createEntry({ key: "k", seq: 2, time: 0, value: new Uint8Array([2]) });
    const conflict = { write: 1, ok: false, error: new ConatError("conflict", "2", { current }) };
    answer?.(conflict as WriteResult);
    session.setIdentity(accountIdentity("me", []));
    answer?.(conflict as WriteResult);
    expect(results).toMatchObject([
      { error: { kind: "conflict", current } },
      { error: { kind: "conflict", current: undefined } },
    ]);
  });

  it("take with them the list of stores", async () => {
    const { session } = setUp();
    const list = session.listStores(mine.scope);
    session.setIdentity(accountIdentity("me", []));
    await expect(list).rejects.toMatchObject({ kind: "forbidden" });
  });
});
