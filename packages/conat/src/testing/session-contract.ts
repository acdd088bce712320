import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { ConatError } from "../protocol/conat-error.ts";
import { valueBytes } from "../protocol/entry.ts";
import { DURABILITIES } from "../protocol/feed-position.ts";
import { MAX_VALUE_BYTES } from "../protocol/limits.ts";
import type { Hello } from "../protocol/messages/hello.ts";
import type { StoreRef, TopicRef } from "../protocol/scope.ts";
import type { Session } from "../session/session.ts";
import { eventually } from "./eventually.ts";
import {
  encodeText,
  FeedProbe,
  mutate,
  refused,
  store,
  TopicProbe,
  textOf,
  writeAll,
} from "./session-probe.ts";
import { describeStoresContract } from "./session-stores-contract.ts";

/** Where the sessions under test come from. */
export interface SessionContractSetup {
  /** A session, perhaps not ready yet, that may use every scope the identity names. Trusted ones may ignore it. */
  open(identity: NonNullable<Hello["identity"]>): Promise<Session>;
  /** Whether its sessions are of the identity's project alone, and reach nothing of its account. @default false */
  readonly projectOnly?: boolean | undefined;
  close(): Promise<void>;
}

/** Names that any part in between might take for something else. */
const ODD_NAMES = [
  "",
  " ",
  "a b",
  "a.b",
  ".",
  "..",
  "*",
  ">",
  "a.*",
  "=",
  "=2E",
  "=floor",
  "/",
  "$KV",
  "__proto__",
  "constructor",
  "zeile\nzwei\r\n",
  "\u0000",
  "ünï — 漢字 😀",
  "x".repeat(3_000),
  "é".repeat(1_500),
];

const ACCOUNT = { kind: "account", id: "contract" } as const;

let scopes = 0;

/** What every {@link Session} must do, whoever implements it. */
export function describeSessionContract(
  name: string,
  setup: () => Promise<SessionContractSetup>,
): void {
  describe(`${name} as a session`, () => {
    let world: SessionContractSetup;
    let project = "";
    const sessions: Session[] = [];

    beforeAll(async () => {
      world = await setup();
    });
    afterAll(async () => {
      await world.close();
    });
    afterEach(async () => {
      await Promise.all(sessions.splice(0).map((session) => session.close()));
    });

    async function open(): Promise<Session> {
      if (sessions.length === 0) {
        scopes += 1;
        project = `contract-${scopes}-${Date.now().toString(36)}`;
      }
      const session = await world.open({
        account_id: ACCOUNT.id,
        projects: { [project]: "owner" },
      });
      sessions.push(session);
      await session.ready();
      return session;
    }

    const storeRef = (fields: Partial<StoreRef> = {}): StoreRef => ({
      scope: { kind: "project", id: project },
      name: "build",
      ephemeral: false,
      service: "",
      ...fields,
    });
    const topicRef = (fields: Partial<TopicRef> = {}): TopicRef => ({
      scope: { kind: "project", id: project },
      path: "",
      name: "cursors",
      ...fields,
    });

    describe("status", () => {
      it("is ready, has an origin of its own, counts writes and knows the server's time", async () => {
        const [one, two] = [await open(), await open()];
        expect(one.status).toEqual({ state: "ready", error: undefined, attempt: 0 });
        expect(one.origin).not.toBe("");
        expect(one.origin).not.toBe(two.origin);
        expect(one.nextWrite()).not.toBe(one.nextWrite());
        expect(Math.abs(one.serverTime() - Date.now())).toBeLessThan(5_000);
      });
    });

    describe("a feed", () => {
      it("of an empty store is complete at once", async () => {
        const session = await open();
        const feed = new FeedProbe(session, storeRef());
        expect(feed.events).toEqual([]);
        const checkpoint = await feed.synced();
        const [reset] = feed.events;
        expect(reset).toEqual({
          type: "reset",
          mode: "full",
          epoch: checkpoint.epoch,
          durability: expect.toBeOneOf([...DURABILITIES]),
        });
        expect(checkpoint.epoch).not.toBe("");
        expect(Math.abs(checkpoint.time - Date.now())).toBeLessThan(60_000);
        expect(feed.entries).toEqual([]);
      });

      it("tells what is stored between reset and synced, then what happens", async () => {
        const session = await open();
        await writeAll(session, storeRef(), [
          mutate(session, "a", "1"),
          mutate(session, "b", "2"),
          mutate(session, "a", "3"),
        ]);
        const feed = new FeedProbe(session, storeRef());
        const checkpoint = await feed.synced();
        expect(feed.content()).toEqual({ a: "3", b: "2" });
        expect(feed.types[0]).toBe("reset");
        expect(checkpoint.seq).toBeGreaterThanOrEqual(feed.latest.get("a")?.seq ?? Infinity);
        const { seq } = await store(session, storeRef(), mutate(session, "c", "4"));
        await feed.entryAt("c", seq);
        expect(feed.types.slice(feed.types.indexOf("synced"))).toEqual(["synced", "entries"]);
      });

      it("tells who wrote an entry, when, under which number and with which headers", async () => {
        const session = await open();
        const reader = await open();
        const feed = new FeedProbe(reader, storeRef());
        await feed.synced();
        const mutation = mutate(session, "k", "1", { headers: { by: "me", "X-ünï": "漢" } });
        const { seq } = await store(session, storeRef(), mutation);
        const live = await feed.entryAt("k", seq);
        const later = new FeedProbe(reader, storeRef());
        await later.synced();
        for (const entry of [live, later.latest.get("k")]) {
          expect(entry).toMatchObject({
            key: "k",
            seq,
            kind: "put",
            origin: session.origin,
            write: mutation.write,
            ttlMs: 0,
            headers: { by: "me", "X-ünï": "漢" },
          });
          expect(Math.abs((entry?.time ?? 0) - session.serverTime())).toBeLessThan(5_000);
        }
      });

      it("shows two sessions each other's entries, each key in rising sequence", async () => {
        const [one, two] = [await open(), await open()];
        const feeds = [new FeedProbe(one, storeRef()), new FeedProbe(two, storeRef())];
        await Promise.all(feeds.map((feed) => feed.synced()));
        for (let round = 0; round < 20; round += 1) {
          await Promise.all(
            [one, two].map((session, at) =>
              store(session, storeRef(), mutate(session, `k${round % 3}`, `${at}-${round}`)),
            ),
          );
        }
        const [first, second] = feeds;
        await eventually(() => first?.entries.length === 40 && second?.entries.length === 40);
        expect(first?.content()).toEqual(second?.content());
        for (const feed of feeds) {
          for (const key of ["k0", "k1", "k2"]) {
            const seqs = feed.entries.filter((entry) => entry.key === key).map(({ seq }) => seq);
            expect(seqs).toEqual([...new Set(seqs)].sort((a, b) => a - b));
          }
        }
      });

      it("of thousands of keys is complete, whether they are written before, while or after it opens", async () => {
        const session = await open();
        const keys = Array.from({ length: 3_000 }, (_, at) => `key-${at}`);
        const batch = (from: number, to: number) =>
          keys.slice(from, to).map((key) => mutate(session, key, JSON.stringify(key)));
        const stored = async (from: number, to: number) => {
          const results = await writeAll(session, storeRef(), batch(from, to));
          expect(results.every(({ ok }) => ok)).toBe(true);
        };
        await stored(0, 1_000);
        await stored(1_000, 2_000);
        const [, feed] = await Promise.all([
          stored(2_000, 2_900),
          (async () => {
            const probe = new FeedProbe(session, storeRef());
            await probe.synced();
            return probe;
          })(),
        ]);
        await stored(2_900, 3_000);
        await eventually(() => feed.latest.size === 3_000);
        const expected = Object.fromEntries(keys.map((key) => [key, JSON.stringify(key)]));
        expect({ ...feed.content() }).toEqual(expected);
      });

      it("continues from a checkpoint with what changed since, removals included", async () => {
        const session = await open();
        const seed = ["kept", "changed", "removed"].map((key) => mutate(session, key, "1"));
        await writeAll(session, storeRef(), seed);
        const before = new FeedProbe(session, storeRef());
        const checkpoint = await before.synced();
        before.close();
        await store(session, storeRef(), mutate(session, "changed", "2"));
        await store(session, storeRef(), mutate(session, "removed", undefined));
        await store(session, storeRef(), mutate(session, "added", "2"));
        const feed = new FeedProbe(session, storeRef(), checkpoint);
        const reached = await feed.synced();
        expect(feed.events[0]).toMatchObject({
          type: "reset",
          mode: "delta",
          epoch: checkpoint.epoch,
        });
        expect({ ...feed.content() }).toEqual({ changed: "2", added: "2" });
        expect(feed.latest.get("removed")?.kind).toBe("delete");
        expect(reached.seq).toBeGreaterThan(checkpoint.seq);
        const { seq } = await store(session, storeRef(), mutate(session, "kept", "3"));
        await feed.entryAt("kept", seq);
      });

      it("starts in full from a checkpoint of another epoch", async () => {
        const session = await open();
        await store(session, storeRef(), mutate(session, "a", "1"));
        const since = { epoch: "of another bucket", seq: 1_000_000, time: Date.now() };
        const feed = new FeedProbe(session, storeRef(), since);
        await feed.synced();
        expect(feed.events[0]).toMatchObject({ type: "reset", mode: "full" });
        expect({ ...feed.content() }).toEqual({ a: "1" });
      });

      it("moves its position on, so that a checkpoint needs no repetition", async () => {
        const session = await open();
        const feed = new FeedProbe(session, storeRef());
        const { seq: from } = await feed.synced();
        const { seq } = await store(session, storeRef(), mutate(session, "a", "1"));
        await feed.entryAt("a", seq);
        const positions = feed.events.flatMap((event) =>
          event.type === "entries" && event.batch.position > 0 ? [event.batch.position] : [],
        );
        for (const position of positions) expect(position).toBeGreaterThanOrEqual(from);
        expect(Math.max(...positions)).toBeGreaterThanOrEqual(seq);
      });

      it("says nothing after it is closed, and closing it twice is harmless", async () => {
        const session = await open();
        const closed = new FeedProbe(session, storeRef());
        const closedEarly = new FeedProbe(session, storeRef());
        closedEarly.close();
        const other = new FeedProbe(session, storeRef());
        await Promise.all([closed.synced(), other.synced()]);
        const told = closed.events.length;
        closed.close();
        closed.close();
        const { seq } = await store(session, storeRef(), mutate(session, "a", "1"));
        await other.entryAt("a", seq);
        expect(closed.events).toHaveLength(told);
        expect(closedEarly.events).toEqual([]);
      });

      it("is of its own store alone: not of another name, scope or kind of storage", async () => {
        const session = await open();
        const refs = [
          storeRef(),
          storeRef({ name: "build2" }),
          storeRef({ name: "" }),
          storeRef({ ephemeral: true }),
          ...(world.projectOnly ? [] : [storeRef({ scope: ACCOUNT, name: project })]),
        ];
        const feeds = refs.map((ref) => new FeedProbe(session, ref));
        await Promise.all(feeds.map((feed) => feed.synced()));
        await Promise.all(
          refs.map((ref, at) => store(session, ref, mutate(session, "key", String(at)))),
        );
        await eventually(() => feeds.every((feed) => feed.latest.size === 1));
        expect(feeds.map((feed) => feed.textOf("key"))).toEqual(refs.map((_ref, at) => String(at)));
        expect(feeds.map((feed) => feed.entries.length)).toEqual(refs.map(() => 1));
      });
    });

    describe("names", () => {
      it("of keys can be any string", async () => {
        const session = await open();
        const live = new FeedProbe(session, storeRef());
        await live.synced();
        const results = await writeAll(
          session,
          storeRef(),
          ODD_NAMES.map((key, at) => mutate(session, key, String(at))),
        );
        expect(results.filter(({ ok }) => !ok)).toEqual([]);
        const expected = new Map(ODD_NAMES.map((key, at) => [key, String(at)]));
        await eventually(() => live.latest.size === ODD_NAMES.length);
        const loaded = new FeedProbe(session, storeRef());
        await loaded.synced();
        for (const feed of [live, loaded]) {
          expect(new Map([...feed.latest.keys()].map((key) => [key, feed.textOf(key)]))).toEqual(
            expected,
          );
        }
        for (const key of ODD_NAMES) {
          expect((await session.read(storeRef(), key))?.key).toBe(key);
        }
      });

      it("of stores can be any string, and none leaks into another", async () => {
        const session = await open();
        const refs = ODD_NAMES.map((storeName) => storeRef({ name: storeName }));
        const feeds = refs.map((ref) => new FeedProbe(session, ref));
        await Promise.all(feeds.map((feed) => feed.synced()));
        await Promise.all(
          refs.map((ref, at) => store(session, ref, mutate(session, "key", String(at)))),
        );
        await eventually(() => feeds.every((feed) => feed.latest.size > 0));
        const late = refs.map((ref) => new FeedProbe(session, ref));
        await Promise.all(late.map((feed) => feed.synced()));
        for (const opened of [feeds, late]) {
          expect(opened.map((feed) => feed.textOf("key"))).toEqual(refs.map((_, at) => String(at)));
          expect(opened.map((feed) => feed.entries.length)).toEqual(refs.map(() => 1));
        }
      });

      it("of topics can be any string, and none leaks into another", async () => {
        const session = await open();
        const topics = ODD_NAMES.flatMap((odd) => [
          topicRef({ name: odd }),
          topicRef({ path: odd, name: "n" }),
        ]);
        const probes = topics.map((topic) => new TopicProbe(session, topic));
        topics.forEach((topic, at) => {
          session.publish(topic, { data: encodeText(String(at)), origin: session.origin });
        });
        await eventually(() => probes.every((probe) => probe.messages.length > 0));
        expect(probes.map((probe) => probe.texts)).toEqual(topics.map((_, at) => [String(at)]));
      });
    });

    describe("a write", () => {
      it("is answered with the sequence of its entry, after the call has returned", async () => {
        const session = await open();
        const feed = new FeedProbe(session, storeRef());
        await feed.synced();
        let returned = false;
        const seq = await new Promise<number>((resolve, reject) => {
          session.write(storeRef(), [mutate(session, "a", "1")], (result) => {
            if (returned && result.ok && !result.duplicate) resolve(result.seq);
            else reject(new Error(JSON.stringify(result)));
          });
          returned = true;
        });
        expect(textOf(valueBytes(await feed.entryAt("a", seq)))).toBe("1");
      });

      it("keeps the order of the call", async () => {
        const session = await open();
        const results = await writeAll(
          session,
          storeRef(),
          Array.from({ length: 50 }, (_, at) => mutate(session, `k${at % 5}`, String(at))),
        );
        const seqs = results.map((result) => (result.ok ? result.seq : -1));
        expect(seqs).toEqual([...new Set(seqs)].sort((a, b) => a - b));
        const feed = new FeedProbe(session, storeRef());
        await feed.synced();
        expect({ ...feed.content() }).toEqual({
          k0: "45",
          k1: "46",
          k2: "47",
          k3: "48",
          k4: "49",
        });
      });

      it("of the largest value and of no bytes at all comes back as it was", async () => {
        const session = await open();
        const feed = new FeedProbe(session, storeRef());
        await feed.synced();
        const large = new Uint8Array(MAX_VALUE_BYTES).map((_, at) => (at * 7) % 251);
        const [one, two] = await writeAll(session, storeRef(), [
          mutate(session, "large", large),
          mutate(session, "empty", new Uint8Array(0)),
        ]);
        expect([one?.ok, two?.ok]).toEqual([true, true]);
        await eventually(() => feed.latest.size === 2);
        const loaded = new FeedProbe(session, storeRef());
        await loaded.synced();
        for (const probe of [feed, loaded]) {
          const entry = probe.latest.get("large");
          expect(entry && Buffer.compare(valueBytes(entry), large)).toBe(0);
          expect(probe.latest.get("empty")).toMatchObject({ kind: "put" });
          expect(probe.textOf("empty")).toBe("");
        }
      });

      it("on condition of a sequence is stored only if the key still has it", async () => {
        const session = await open();
        const create = () => mutate(session, "a", "1", { expectedSeq: 0 });
        const { seq: first } = await store(session, storeRef(), create());
        const { error: exists } = await refused(session, storeRef(), create());
        expect(exists).toMatchObject({ kind: "conflict", current: { key: "a", seq: first } });
        const update = (value: string) => mutate(session, "a", value, { expectedSeq: first });
        const { seq: second } = await store(session, storeRef(), update("2"));
        const { error: changed } = await refused(session, storeRef(), update("3"));
        expect(changed).toMatchObject({ kind: "conflict", current: { key: "a", seq: second } });
        expect(changed.current && textOf(valueBytes(changed.current))).toBe("2");
        const { error: absent } = await refused(
          session,
          storeRef(),
          mutate(session, "never", "1", { expectedSeq: first }),
        );
        expect(absent).toMatchObject({ kind: "conflict", current: undefined });
      });

      it("that is refused holds up no other", async () => {
        const session = await open();
        const [before, conflict, after] = await writeAll(session, storeRef(), [
          mutate(session, "a", "1"),
          mutate(session, "b", "1", { expectedSeq: 4_000_000 }),
          mutate(session, "c", "1"),
        ]);
        expect([before?.ok, conflict?.ok, after?.ok]).toEqual([true, false, true]);
      });

      it("by many at once on condition is stored by exactly one each time", async () => {
        const all = [await open(), await open(), await open()];
        const [session] = all;
        if (session === undefined) throw new Error("no session");
        let { seq } = await store(session, storeRef(), mutate(session, "n", "0"));
        for (let round = 1; round <= 10; round += 1) {
          const results = await Promise.all(
            all.map(async (one) => {
              const mutation = mutate(one, "n", String(round), { expectedSeq: seq });
              return (await writeAll(one, storeRef(), [mutation]))[0];
            }),
          );
          const stored = results.flatMap((result) => (result?.ok ? [result.seq] : []));
          expect(stored).toHaveLength(1);
          seq = stored[0] ?? 0;
        }
      });

      it("that deletes leaves a marker, which is the version to name in a condition", async () => {
        const session = await open();
        const feed = new FeedProbe(session, storeRef());
        await feed.synced();
        const { seq: first } = await store(session, storeRef(), mutate(session, "a", "1"));
        const removal = mutate(session, "a", undefined, { expectedSeq: first });
        const { seq: marker } = await store(session, storeRef(), removal);
        expect(await feed.entryAt("a", marker)).toMatchObject({
          kind: "delete",
          origin: session.origin,
          write: removal.write,
        });
        expect(await session.read(storeRef(), "a")).toMatchObject({ kind: "delete", seq: marker });
        const late = new FeedProbe(session, storeRef());
        await late.synced();
        expect({ ...late.content() }).toEqual({});
        const { error } = await refused(
          session,
          storeRef(),
          mutate(session, "a", "2", { expectedSeq: first }),
        );
        expect(error).toMatchObject({ kind: "conflict", current: { kind: "delete", seq: marker } });
        const again = mutate(session, "a", "2", { expectedSeq: marker });
        expect((await store(session, storeRef(), again)).seq).toBeGreaterThan(marker);
      });

      it("that is sent twice is stored once, and the second answer says so", async () => {
        const session = await open();
        const feed = new FeedProbe(session, storeRef());
        await feed.synced();
        const mutation = mutate(session, "a", "1");
        const first = await store(session, storeRef(), mutation);
        const second = await store(session, storeRef(), mutation);
        expect(first.duplicate).toBe(false);
        expect(second).toEqual({ ...first, duplicate: true });
        const { seq } = await store(session, storeRef(), mutate(session, "b", "1"));
        await feed.entryAt("b", seq);
        expect(feed.entries.map(({ key }) => key)).toEqual(["a", "b"]);
      });

      it("with the number of another session's write is another write", async () => {
        const [one, two] = [await open(), await open()];
        const fromOne = mutate(one, "a", "1");
        const fromTwo = mutate(two, "a", "2", { write: fromOne.write });
        const first = await store(one, storeRef(), fromOne);
        const second = await store(two, storeRef(), fromTwo);
        expect(second).toMatchObject({ duplicate: false });
        expect(second.seq).toBeGreaterThan(first.seq);
      });

      it("with a lifetime ends in an entry for everybody", async () => {
        const [one, two] = [await open(), await open()];
        const feed = new FeedProbe(two, storeRef());
        await feed.synced();
        const mutation = mutate(one, "a", "1", { ttlMs: 1_000 });
        const { seq } = await store(one, storeRef(), mutation);
        expect(await feed.entryAt("a", seq)).toMatchObject({ kind: "put", ttlMs: 1_000 });
        await eventually(() => feed.latest.get("a")?.kind === "expiry");
        expect(feed.latest.get("a")?.seq).toBeGreaterThan(seq);
      });
    });

    describe("a read", () => {
      it("gives the latest entry as it is stored, whoever wrote it", async () => {
        const [one, two] = [await open(), await open()];
        expect(await two.read(storeRef(), "a")).toBeUndefined();
        await store(one, storeRef(), mutate(one, "a", "1"));
        const mutation = mutate(one, "a", "2", { headers: { x: "y" } });
        const { seq } = await store(one, storeRef(), mutation);
        const entry = await two.read(storeRef(), "a");
        expect(entry).toMatchObject({
          key: "a",
          seq,
          kind: "put",
          origin: one.origin,
          write: mutation.write,
          headers: { x: "y" },
        });
        expect(entry && textOf(valueBytes(entry))).toBe("2");
      });
    });

    describeStoresContract({
      open,
      storeRef,
      account: () => (world.projectOnly ? undefined : ACCOUNT),
    });

    describe("a topic", () => {
      it("is heard by everybody who listens, the sender included, in order and with its origin", async () => {
        const [one, two] = [await open(), await open()];
        const mine = new TopicProbe(one, topicRef());
        const theirs = new TopicProbe(two, topicRef());
        // A subscription is not acknowledged: say something until it is heard.
        await eventually(() => {
          one.publish(topicRef(), { data: encodeText("hello?"), origin: one.origin });
          return mine.messages.length > 0 && theirs.messages.length > 0;
        });
        for (let at = 0; at < 20; at += 1) {
          one.publish(topicRef(), { data: encodeText(String(at)), origin: one.origin });
        }
        const numbers = Array.from({ length: 20 }, (_, at) => String(at));
        await eventually(() => [mine, theirs].every(({ texts }) => texts.at(-1) === "19"));
        for (const { messages, texts } of [mine, theirs]) {
          expect(texts.slice(-20)).toEqual(numbers);
          expect(new Set(messages.map(({ origin }) => origin))).toEqual(new Set([one.origin]));
        }
      });

      it("hears what its own session says right after it began to listen", async () => {
        const session = await open();
        const probe = new TopicProbe(session, topicRef());
        session.publish(topicRef(), { data: encodeText("1"), origin: session.origin });
        await eventually(() => probe.messages.length === 1);
      });

      it("is not heard after it is closed, by others of the same session it is", async () => {
        const session = await open();
        const closed = new TopicProbe(session, topicRef());
        const other = new TopicProbe(session, topicRef());
        const say = (what: string) =>
          session.publish(topicRef(), { data: encodeText(what), origin: session.origin });
        say("1");
        await eventually(() => closed.messages.length === 1 && other.messages.length === 1);
        closed.close();
        closed.close();
        say("2");
        await eventually(() => other.messages.length === 2);
        expect(closed.texts).toEqual(["1"]);
        expect(closed.closed).toEqual([]);
      });

      it("carries an empty and a large message", async () => {
        const session = await open();
        const probe = new TopicProbe(session, topicRef());
        const large = new Uint8Array(400_000).fill(7);
        session.publish(topicRef(), { data: new Uint8Array(0), origin: session.origin });
        session.publish(topicRef(), { data: large, origin: session.origin });
        await eventually(() => probe.messages.length === 2);
        expect(probe.messages.map(({ data }) => data.length)).toEqual([0, 400_000]);
      });
    });

    describe("closing", () => {
      it("ends everything that was opened through it, and can be done twice", async () => {
        const session = await open();
        const feed = new FeedProbe(session, storeRef());
        const topic = new TopicProbe(session, topicRef());
        await feed.synced();
        const states: string[] = [];
        session.onStatus(({ state }) => states.push(state));
        await Promise.all([session.close(), session.close()]);
        await session.close();
        await eventually(() => feed.types.at(-1) === "closed" && topic.closed.length === 1);
        expect(feed.events.at(-1)).toMatchObject({ error: { kind: "closed" } });
        expect(topic.closed).toMatchObject([{ kind: "closed" }]);
        expect(session.status.state).toBe("closed");
        expect(states).toEqual(["closed"]);
        await expect(session.ready()).rejects.toMatchObject({ kind: "closed" });
      });

      it("answers what still waits, and what comes after", async () => {
        const session = await open();
        const waiting = writeAll(session, storeRef(), [mutate(session, "a", "1")]);
        const reading = session.read(storeRef(), "a").catch((error: unknown) => error);
        await session.close();
        const [result] = await waiting;
        if (!result?.ok) expect(result?.error).toBeInstanceOf(ConatError);
        await reading;
        const { error } = await refused(session, storeRef(), mutate(session, "b", "1"));
        expect(error.kind).toBe("closed");
        await expect(session.read(storeRef(), "a")).rejects.toMatchObject({ kind: "closed" });
        const feed = new FeedProbe(session, storeRef());
        const topic = new TopicProbe(session, topicRef());
        session.publish(topicRef(), { data: encodeText("1"), origin: session.origin });
        await eventually(() => feed.events.length === 1 && topic.closed.length === 1);
        expect(feed.events).toMatchObject([{ type: "closed", error: { kind: "closed" } }]);
      });
    });
  });
}
