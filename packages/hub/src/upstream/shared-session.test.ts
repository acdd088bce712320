import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import {
  ConatError,
  createEntry,
  type Entry,
  type FeedEvent,
  type StoreRef,
  type TopicMessage,
  type TopicRef,
} from "@conat/conat/internal";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Reader, ScriptedSession } from "../test-kit/scripted-session.ts";
import { SharedSession, type SharedSessionOptions } from "./shared-session.ts";

setFlagsFromString("--expose_gc");
const collectGarbage: () => void = runInNewContext("gc");

const MARKER_TTL_MS = 600_000;
const ref: StoreRef = {
  scope: { kind: "project", id: "p" },
  name: "s",
  ephemeral: false,
  service: "",
};
const other: StoreRef = { ...ref, name: "other" };
const topic: TopicRef = { scope: { kind: "project", id: "p" }, path: "", name: "t" };

function put(key: string, seq: number, time = 1_000_000, bytes = 1): Entry {
  return createEntry({ key, seq, time, value: new Uint8Array(bytes) });
}

const settle = (): Promise<void> => Promise.resolve();
const stale: FeedEvent = { type: "stale", error: new ConatError("unavailable", "cut") };

function setUp(options: SharedSessionOptions = {}) {
  const inner = new ScriptedSession();
  const session = new SharedSession(inner, { markerTtlMs: MARKER_TTL_MS, ...options });
  const reset = (mode: "full" | "delta" = "full", epoch = "e"): void =>
    inner.feed.tell({ type: "reset", mode, epoch, durability: "os" });
  const entries = (list: Entry[], position = 0): void =>
    inner.feed.tell({ type: "entries", batch: { entries: list, position } });
  const synced = (seq: number, epoch = "e"): void =>
    inner.feed.tell({ type: "synced", checkpoint: { epoch, seq, time: inner.time } });
  const load = (list: Entry[], seq: number): void => {
    reset();
    entries(list);
    synced(seq);
  };
  return { inner, session, reset, entries, synced, load };
}

describe("a reader whose checkpoint is of a history that was lost", () => {
  const since = { epoch: "e", seq: 9, time: 1_000_000 };

  it("is made to forget what it has, and told everything", async () => {
    const { session, load } = setUp({ knows: async () => false });
    session.openStore(ref, new Reader().listen);
    load([put("a", 1)], 2);
    const reader = new Reader();
    session.openStore(ref, reader.listen, { since });
    await vi.waitFor(() => expect(reader.story).toHaveLength(4));
    expect(reader.story).toEqual(["reset full", "reset full", "entries", "synced"]);
    const epochs = reader.events.flatMap((event) => (event.type === "reset" ? [event.epoch] : []));
    expect(epochs).toEqual(["", "e"]);
  });

  it("is not one that is merely ahead of this hub: that gets what it lacks, which is nothing", async () => {
    const { session, load } = setUp({ knows: async () => true });
    session.openStore(ref, new Reader().listen);
    load([put("a", 1)], 2);
    const reader = new Reader();
    session.openStore(ref, reader.listen, { since });
    await vi.waitFor(() => expect(reader.story).toEqual(["reset delta", "synced"]));
  });
});

describe("readers of one store share one feed", () => {
  it("the first hears the load as it comes, a later one gets it from the replica, and live both get the same", async () => {
    const { inner, session, load, entries } = setUp();
    const first = new Reader();
    const second = new Reader();
    session.openStore(ref, first.listen);
    load([put("a", 1), put("b", 2)], 2);
    session.openStore(ref, second.listen);
    await settle();
    expect(inner.feeds).toHaveLength(1);
    expect(second.story).toEqual(["reset full", "entries", "synced"]);
    expect(second.keys).toEqual(["a", "b"]);
    entries([put("c", 3)], 3);
    expect(first.keys).toEqual(["a", "b", "c"]);
    expect(second.events.at(-1)).toBe(first.events.at(-1));
  });

  it("one that comes in the middle of the load hears all of it", async () => {
    const { session, reset, entries, synced } = setUp();
    session.openStore(ref, () => undefined);
    reset();
    entries([put("a", 1)]);
    const late = new Reader();
    session.openStore(ref, late.listen);
    await settle();
    entries([put("b", 2)]);
    synced(2);
    expect(late.story).toEqual(["reset full", "entries", "entries", "synced"]);
    expect(late.keys).toEqual(["a", "b"]);
  });

  it("one that leaves hears nothing more, and the others go on", async () => {
    const { session, load, entries } = setUp();
    const leaver = new Reader();
    const stayer = new Reader();
    const feed = session.openStore(ref, leaver.listen);
    session.openStore(ref, stayer.listen);
    load([], 0);
    feed.close();
    feed.close();
    entries([put("a", 1)], 1);
    expect(leaver.keys).toEqual([]);
    expect(stayer.keys).toEqual(["a"]);
  });

  it("one that throws keeps no other from hearing", () => {
    const errors: unknown[] = [];
    const { session, load } = setUp({ onListenerError: (error) => errors.push(error) });
    const reader = new Reader();
    session.openStore(ref, () => {
      throw new Error("mine");
    });
    session.openStore(ref, reader.listen);
    load([put("a", 1)], 1);
    expect(reader.keys).toEqual(["a"]);
    expect(errors).toHaveLength(3);
  });

  it("stores that differ in anything are different stores", () => {
    const { inner, session } = setUp();
    const refs: StoreRef[] = [
      ref,
      { ...ref, ephemeral: true },
      { ...ref, scope: { kind: "account", id: "p" } },
      { ...ref, name: "" },
    ];
    for (const one of refs) session.openStore(one, () => undefined);
    expect(inner.feeds.map((feed) => feed.ref)).toEqual(refs);
  });
});

describe("a reader that continues from a checkpoint", () => {
  const since = (seq: number, time = 1_000_000, epoch = "e") => ({ since: { epoch, seq, time } });

  it("gets only what changed, removals included", async () => {
    const { session, load } = setUp();
    session.openStore(ref, () => undefined);
    const gone = createEntry({ key: "b", seq: 5, time: 1_000_000, kind: "delete", origin: "o" });
    load([put("a", 1), gone, put("c", 6)], 6);
    const reader = new Reader();
    session.openStore(ref, reader.listen, since(4));
    await settle();
    expect(reader.story).toEqual(["reset delta", "entries", "synced"]);
    expect([...reader.entries.keys()]).toEqual(["b", "c"]);
  });

  it("waits for the first load to end rather than being sent everything", async () => {
    const { session, reset, entries, synced } = setUp();
    session.openStore(ref, () => undefined);
    const reader = new Reader();
    session.openStore(ref, reader.listen, since(1));
    await settle();
    reset();
    entries([put("a", 1)]);
    entries([put("b", 2)]);
    synced(2);
    expect(reader.story).toEqual(["reset delta", "entries", "synced"]);
    expect([...reader.entries.keys()]).toEqual(["b"]);
  });

  it.each([
    ["another epoch", since(4, 1_000_000, "other")],
    ["longer ago than removals are remembered", since(4, 1_000_000 - MARKER_TTL_MS)],
  ])("gets everything when it was in or from %s", async (_why, options) => {
    const { session, load } = setUp();
    session.openStore(ref, () => undefined);
    load([put("a", 1), put("c", 6)], 6);
    const reader = new Reader();
    session.openStore(ref, reader.listen, options);
    await settle();
    expect(reader.story).toEqual(["reset full", "entries", "synced"]);
    expect(reader.keys).toEqual(["a", "c"]);
  });

  it("gets what its hub may not have been told, without what it has", async () => {
    const { session, load } = setUp();
    session.openStore(ref, () => undefined);
    load([put("a", 1), put("lost", 5), put("b", 6), put("c", 8)], 8);
    const reader = new Reader();
    const doubt = { verified: 4, told: [2] };
    session.openStore(ref, reader.listen, {
      since: { epoch: "e", seq: 7, time: 1_000_000, doubt },
    });
    await settle();
    expect([...reader.entries.keys()]).toEqual(["lost", "c"]);
  });

  it("continues after a pause with what it doubts and its hub had not been told yet", async () => {
    const { session, load, entries } = setUp();
    session.openStore(ref, () => undefined);
    load([put("a", 1)], 3);
    const reader = new Reader();
    const doubt = { verified: 2, told: [] };
    const since = { epoch: "e", seq: 7, time: 1_000_000, doubt };
    const feed = session.openStore(ref, reader.listen, { since });
    await settle();
    feed.close();
    entries([put("lost", 5)], 5);
    const after = reader.events.flatMap((event) =>
      event.type === "synced" ? [event.checkpoint] : [],
    );
    expect(after).toHaveLength(1);
    session.openStore(ref, reader.listen, { since: after[0] });
    await settle();
    expect([...reader.entries.keys()]).toEqual(["lost"]);
  });

  it("gets everything when the mark of a removal is gone that it may have missed", async () => {
    const { inner, session, load } = setUp();
    session.openStore(ref, () => undefined);
    const removed = createEntry({ key: "k", seq: 5, time: 1_000_000, kind: "expiry" });
    load([put("a", 1), removed], 7);
    inner.time += MARKER_TTL_MS + 1_000;
    const certain = { epoch: "e", seq: 7, time: 1_005_000 };
    const readers = [certain, { ...certain, doubt: { verified: 4, told: [3] } }].map((since) => {
      const reader = new Reader();
      session.openStore(ref, reader.listen, { since });
      return reader;
    });
    await settle();
    expect(readers.map(({ story }) => story[0])).toEqual(["reset delta", "reset full"]);
  });

  it("costs no memory for what it has named, once it is served", async () => {
    const { session, load } = setUp();
    const reader = new Reader();
    const open = (): WeakRef<readonly number[]> => {
      const told = [1, 2, 3];
      const since = { epoch: "e", seq: 7, time: 1_000_000, doubt: { verified: 4, told } };
      session.openStore(ref, reader.listen, { since });
      return new WeakRef(told);
    };
    const kept = open();
    load([put("a", 1)], 8);
    await settle();
    // A WeakRef holds on to what it was made of until the turn ends.
    await new Promise((resolve) => setImmediate(resolve));
    collectGarbage();
    expect(reader.story).toEqual(["reset delta", "synced"]);
    expect(kept.deref()).toBeUndefined();
  });

  it("is told how far what this hub has is verified", async () => {
    const { inner, session, load, entries } = setUp();
    session.openStore(ref, () => undefined);
    load([put("a", 1)], 1);
    entries([put("b", 6)], 6);
    const reader = new Reader();
    session.openStore(ref, reader.listen);
    await settle();
    expect(reader.events.at(-1)).toMatchObject({ type: "synced", verified: 1 });
    inner.feed.tell({ type: "verified", seq: 6 });
    expect(reader.events.at(-1)).toEqual({ type: "verified", seq: 6 });
    const late = new Reader();
    session.openStore(ref, late.listen);
    await settle();
    expect(late.story).toEqual(["reset full", "entries", "synced"]);
  });

  it("gets what turned up late here while it did not listen", async () => {
    const { session, load, reset, entries, synced } = setUp();
    session.openStore(ref, () => undefined);
    load([put("a", 1), put("b", 9)], 9);
    reset("delta");
    entries([put("late", 5)]);
    synced(9);
    const before = new Reader();
    session.openStore(ref, before.listen, since(9));
    await settle();
    expect([...before.entries.keys()]).toEqual(["late"]);
    entries([put("c", 10)], 10);
    const after = new Reader();
    session.openStore(ref, after.listen, since(10));
    await settle();
    expect([...after.entries.keys()]).toEqual([]);
  });

  it("is not sent back when it comes from a hub that is ahead", async () => {
    const { session, load } = setUp();
    session.openStore(ref, () => undefined);
    load([put("a", 1)], 1);
    const reader = new Reader();
    session.openStore(ref, reader.listen, since(9));
    await settle();
    expect(reader.events.at(-1)).toMatchObject({ type: "synced", checkpoint: { seq: 9 } });
  });
});

describe("when the feed below starts again", () => {
  it("a full snapshot that differs a little is a delta for the readers", async () => {
    const { inner, session, load } = setUp();
    const reader = new Reader();
    session.openStore(ref, reader.listen);
    load([put("a", 1), put("b", 2)], 2);
    inner.feed.tell(stale);
    load([put("a", 1), put("b", 7)], 7);
    expect(reader.story.slice(3)).toEqual(["stale", "reset delta", "entries", "synced"]);
    expect(reader.entries.get("b")?.seq).toBe(7);
  });

  it("a key that vanished meanwhile disappears for readers, and for those who come back later", async () => {
    const { inner, session, load } = setUp();
    const reader = new Reader();
    session.openStore(ref, reader.listen);
    load([put("a", 1), put("b", 2)], 2);
    inner.time += 10;
    inner.feed.tell(stale);
    load([put("a", 1)], 5);
    expect(reader.story.slice(4)).toEqual(["reset full", "entries", "synced"]);
    expect(reader.keys).toEqual(["a"]);
    const returner = new Reader();
    for (const entry of [put("a", 1), put("b", 2)]) returner.entries.set(entry.key, entry);
    session.openStore(ref, returner.listen, { since: { epoch: "e", seq: 2, time: 1_000_000 } });
    await settle();
    expect(returner.keys).toEqual(["a"]);
  });

  it("a store whose keys have all vanished is empty for its readers", () => {
    const { inner, session, load } = setUp();
    const reader = new Reader();
    session.openStore(ref, reader.listen);
    load([put("a", 1)], 1);
    inner.feed.tell(stale);
    load([], 5);
    expect(reader.keys).toEqual([]);
  });

  it("live entries that come during the reload are neither lost nor told twice", () => {
    const { inner, session, load, reset, entries, synced } = setUp();
    const reader = new Reader();
    session.openStore(ref, reader.listen);
    load([put("a", 1)], 1);
    inner.feed.tell(stale);
    reset();
    entries([put("a", 1)]);
    entries([put("c", 9)], 9);
    synced(9);
    entries([put("c", 9), put("d", 10)], 10);
    const told = reader.events.flatMap((event) =>
      event.type === "entries" ? event.batch.entries.map((entry) => entry.key) : [],
    );
    expect(told).toEqual(["a", "c", "d"]);
  });

  it("a delta goes to the readers as it comes", () => {
    const { inner, session, load, reset, entries, synced } = setUp();
    const reader = new Reader();
    session.openStore(ref, reader.listen);
    load([put("a", 1)], 1);
    inner.feed.tell(stale);
    reset("delta");
    entries([put("b", 4)], 0);
    synced(4);
    expect(reader.story.slice(3)).toEqual(["stale", "reset delta", "entries", "synced"]);
    expect(reader.keys).toEqual(["a", "b"]);
  });

  it("in another epoch everything starts anew, lower sequences included", () => {
    const { inner, session, load, reset, entries, synced } = setUp();
    const events: FeedEvent[] = [];
    session.openStore(ref, (event) => events.push(event));
    load([put("a", 100)], 100);
    inner.feed.tell(stale);
    reset("full", "e2");
    entries([put("b", 1)]);
    synced(1, "e2");
    expect(events.slice(4)).toMatchObject([
      { type: "reset", mode: "full", epoch: "e2" },
      { type: "entries", batch: { entries: [{ key: "b", seq: 1 }] } },
      { type: "synced", checkpoint: { epoch: "e2", seq: 1 } },
    ]);
  });

  it("a newcomer waits until the replica is whole again", async () => {
    const { inner, session, load } = setUp();
    session.openStore(ref, () => undefined);
    load([put("a", 1)], 1);
    inner.feed.tell(stale);
    const reader = new Reader();
    session.openStore(ref, reader.listen);
    await settle();
    expect(reader.story).toEqual([]);
    load([put("a", 1), put("b", 2)], 2);
    expect(reader.story).toEqual(["reset full", "entries", "synced"]);
    expect(reader.keys).toEqual(["a", "b"]);
  });

  it("a feed that ends below ends for all readers, and the next reader opens a new one", async () => {
    const { inner, session, load } = setUp();
    const reader = new Reader();
    session.openStore(ref, reader.listen);
    load([put("a", 1)], 1);
    inner.feed.tell({ type: "closed", error: new ConatError("forbidden", "no") });
    expect(reader.story.at(-1)).toBe("closed");
    expect(session.openStores).toBe(0);
    expect(session.replicaBytes).toBe(0);
    session.openStore(ref, () => undefined);
    expect(inner.feeds).toHaveLength(2);
  });
});

describe("a snapshot is made once for many", () => {
  it("readers that come soon after each other get the same batches, and what has happened since", async () => {
    const { session, load, entries } = setUp();
    session.openStore(ref, () => undefined);
    load([put("a", 1)], 1);
    const first = new Reader();
    const second = new Reader();
    session.openStore(ref, first.listen);
    await settle();
    entries([put("b", 2)], 2);
    session.openStore(ref, second.listen);
    await settle();
    expect(second.keys).toEqual(["a", "b"]);
    expect(second.events[1]).toMatchObject({ batch: batchOf(first.events[1]) });
    expect(batchOf(second.events[1])).toBe(batchOf(first.events[1]));
    expect(batchOf(second.events[2])).toBe(batchOf(first.events[3]));
  });
});

function batchOf(event: FeedEvent | undefined): unknown {
  return event?.type === "entries" ? event.batch : undefined;
}

describe("after the last reader", () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it("the replica stays warm for a while, still fed, and serves who comes back", async () => {
    const { inner, session, load, entries } = setUp({ feedLingerMs: 1_000 });
    const feed = session.openStore(ref, () => undefined);
    load([put("a", 1)], 1);
    feed.close();
    vi.advanceTimersByTime(900);
    entries([put("b", 2)], 2);
    const reader = new Reader();
    session.openStore(ref, reader.listen);
    await settle();
    expect(reader.keys).toEqual(["a", "b"]);
    vi.advanceTimersByTime(5_000);
    expect(inner.feed.isClosed).toBe(false);
  });

  it("it goes when nobody comes", () => {
    const { inner, session, load } = setUp({ feedLingerMs: 1_000 });
    const feed = session.openStore(ref, () => undefined);
    load([put("a", 1)], 1);
    feed.close();
    vi.advanceTimersByTime(1_100);
    expect(inner.feeds[0]?.isClosed).toBe(true);
    expect(session.openStores).toBe(0);
    expect(session.replicaBytes).toBe(0);
  });

  it("it goes at once without a linger", () => {
    const { inner, session } = setUp({ feedLingerMs: 0 });
    session.openStore(ref, () => undefined).close();
    expect(inner.feeds[0]?.isClosed).toBe(true);
    expect(session.openStores).toBe(0);
  });

  it("warm replicas make room when memory is short, the longest unused first", () => {
    const { inner, session, load } = setUp({ maxReplicaBytes: 3_000 });
    for (const name of ["one", "two"]) {
      const feed = session.openStore({ ...ref, name }, () => undefined);
      load([put("a", 1, 0, 1_000)], 1);
      feed.close();
    }
    expect(session.openStores).toBe(2);
    session.openStore({ ...ref, name: "three" }, () => undefined);
    load([put("a", 1, 0, 1_000)], 1);
    expect(inner.feeds.map((feed) => feed.isClosed)).toEqual([true, false, false]);
    expect(session.replicaBytes).toBeLessThanOrEqual(3_000);
  });
});

it("a store that does not fit any more is refused by name, and those that are open go on", async () => {
  const { session, load } = setUp({ maxReplicaBytes: 500 });
  const reader = new Reader();
  session.openStore(ref, reader.listen);
  load([put("a", 1, 0, 1_000)], 1);
  expect(reader.keys).toEqual(["a"]);
  const refused = new Reader();
  session.openStore(other, refused.listen);
  await settle();
  expect(refused.events).toMatchObject([{ type: "closed", error: { kind: "limit-exceeded" } }]);
});

describe("listeners of one topic share one subscription", () => {
  it("all get the same message, and the last to leave ends it", () => {
    const { inner, session } = setUp();
    const heard: TopicMessage[][] = [[], []];
    const subscriptions = heard.map((messages) =>
      session.subscribe(topic, {
        onMessage: (message) => messages.push(message),
        onLagged: () => undefined,
        onClosed: () => undefined,
      }),
    );
    const message = { data: new Uint8Array(), origin: "" };
    inner.subscriptions[0]?.listener.onMessage(message);
    expect(heard).toEqual([[message], [message]]);
    expect(inner.subscriptions).toHaveLength(1);
    for (const subscription of subscriptions) subscription.close();
    expect(inner.subscriptions[0]?.isClosed).toBe(true);
    expect(session.openTopics).toBe(0);
  });
});

it("closing tells every reader and listener, and closes the session below", async () => {
  const { inner, session, load } = setUp();
  const reader = new Reader();
  const closed: string[] = [];
  session.openStore(ref, reader.listen);
  load([put("a", 1)], 1);
  session.subscribe(topic, {
    onMessage: () => undefined,
    onLagged: () => undefined,
    onClosed: (error) => closed.push(error.kind),
  });
  await session.close();
  expect(reader.story.at(-1)).toBe("closed");
  expect(closed).toEqual(["closed"]);
  expect(inner.isClosed).toBe(true);
  expect(session.replicaBytes).toBe(0);
  const late = new Reader();
  session.openStore(ref, late.listen);
  await settle();
  expect(late.events).toMatchObject([{ type: "closed", error: { kind: "closed" } }]);
});
