import { describe, expect, it } from "vitest";
import type { Entry } from "../protocol/entry.ts";
import type { Scope, StoreRef } from "../protocol/scope.ts";
import type { Session } from "../session/session.ts";
import { eventually } from "./eventually.ts";
import { FeedProbe, mutate, store, writeAll } from "./session-probe.ts";

export interface StoresContractTools {
  /** A session that is ready and may do everything in the test's project. */
  open(): Promise<Session>;
  /** A store of the test's project. */
  storeRef(fields?: Partial<StoreRef>): StoreRef;
  /** Another scope of theirs, if they have one. */
  account(): Scope | undefined;
}

/** More keys than one request loads. */
const MANY = 1_100;

/** The part of a session's contract that is about whole stores. */
export function describeStoresContract({ open, storeRef, account }: StoresContractTools): void {
  const put = (session: Session, ref: StoreRef, key: string, value = "1") =>
    store(session, ref, mutate(session, key, value));
  const putMany = async (session: Session, ref: StoreRef, count: number): Promise<void> => {
    for (let from = 0; from < count; from += 1_000) {
      const keys = Array.from(
        { length: Math.min(1_000, count - from) },
        (_, at) => `k${from + at}`,
      );
      const results = await writeAll(
        session,
        ref,
        keys.map((key) => mutate(session, key, "1")),
      );
      expect(results.every(({ ok }) => ok)).toBe(true);
    }
  };
  const floorsOf = (feed: FeedProbe): readonly Entry[] =>
    feed.entries.filter(({ kind }) => kind === "floor");

  describe("the stores of a scope", () => {
    it("are those that have a key, of this scope alone, by name, with how many", async () => {
      const session = await open();
      const { scope } = storeRef();
      expect(await session.listStores(scope)).toEqual([]);
      const long = "ü".repeat(2_000);
      await put(session, storeRef({ name: "b" }), "k");
      await put(session, storeRef({ name: "b" }), "another");
      await put(session, storeRef({ name: "" }), "k");
      await put(session, storeRef({ name: "a.*\n", ephemeral: true }), "k");
      await put(session, storeRef({ name: long }), "x".repeat(2_000));
      await put(session, storeRef({ name: "emptied" }), "k");
      await store(session, storeRef({ name: "emptied" }), mutate(session, "k", undefined));
      await put(session, storeRef({ name: "half" }), "kept");
      await put(session, storeRef({ name: "half" }), "removed");
      await store(session, storeRef({ name: "half" }), mutate(session, "removed", undefined));
      const other = account();
      const elsewhere = other && storeRef({ scope: other, name: "elsewhere" });
      if (elsewhere) await put(session, elsewhere, "k");
      expect(await session.listStores(scope)).toEqual([
        { name: "", ephemeral: false, keys: 1 },
        { name: "a.*\n", ephemeral: true, keys: 1 },
        { name: "b", ephemeral: false, keys: 2 },
        { name: "half", ephemeral: false, keys: 1 },
        { name: long, ephemeral: false, keys: 1 },
      ]);
      if (elsewhere) await session.destroyStore(elsewhere);
    });

    it("are counted also where they are large, and where they are many", async () => {
      const session = await open();
      const { scope } = storeRef();
      await putMany(session, storeRef({ name: "large" }), MANY);
      const names = Array.from({ length: 60 }, (_, at) => `${at}`.padStart(2_000, "n"));
      await Promise.all(
        names.map((name) => put(session, storeRef({ name, ephemeral: true }), "k")),
      );
      expect(await session.listStores(scope)).toEqual([
        { name: "large", ephemeral: false, keys: MANY },
        ...names.toSorted().map((name) => ({ name, ephemeral: true, keys: 1 })),
      ]);
    });
  });

  describe("a store that is destroyed", () => {
    it("is empty for everybody at once; no other store is, and it can be written to again", async () => {
      const [one, two] = [await open(), await open()];
      const others = [storeRef({ name: "build2" }), storeRef({ ephemeral: true })];
      for (const ref of [storeRef(), ...others]) {
        await put(one, ref, "a");
        await put(one, ref, "");
        await put(one, ref, "x".repeat(2_000));
      }
      const feeds = [one, two].map((session) => new FeedProbe(session, storeRef()));
      const untouched = others.map((ref) => new FeedProbe(two, ref));
      await Promise.all([...feeds, ...untouched].map((feed) => feed.synced()));
      await one.destroyStore(storeRef());
      await eventually(() => feeds.every((feed) => floorsOf(feed).length === 1));
      for (const feed of feeds) expect({ ...feed.content() }).toEqual({});
      for (const key of ["a", "", "x".repeat(2_000)]) {
        expect(await two.read(storeRef(), key)).toBeUndefined();
      }
      expect((await one.listStores(storeRef().scope)).map(({ name }) => name)).toEqual([
        "build",
        "build2",
      ]);
      const created = await store(two, storeRef(), mutate(two, "a", "2", { expectedSeq: 0 }));
      for (const feed of feeds) await feed.entryAt("a", created.seq);
      const late = new FeedProbe(one, storeRef());
      await late.synced();
      for (const feed of [...feeds, late]) expect({ ...feed.content() }).toEqual({ a: "2" });
      for (const feed of untouched) {
        expect(feed.latest.size).toBe(3);
        expect(floorsOf(feed)).toEqual([]);
      }
    });

    it("is empty for who was away, with what was written later", async () => {
      const session = await open();
      await put(session, storeRef(), "a");
      await put(session, storeRef(), "b");
      const before = new FeedProbe(session, storeRef());
      const checkpoint = await before.synced();
      before.close();
      await session.destroyStore(storeRef());
      await put(session, storeRef(), "b", "2");
      const feed = new FeedProbe(session, storeRef(), checkpoint);
      await feed.synced();
      expect(feed.events[0]).toMatchObject({ type: "reset", mode: "delta" });
      const [floor] = floorsOf(feed);
      expect(floor?.seq).toBeGreaterThan(checkpoint.seq);
      expect(floor?.seq).toBeLessThan(feed.latest.get("b")?.seq ?? 0);
      expect({ ...feed.content() }).toEqual({ b: "2" });
      const { seq } = await put(session, storeRef(), "c", "3");
      await feed.entryAt("c", seq);
    });

    it("may be large, or empty, or destroyed twice, or by many at the same time", async () => {
      const session = await open();
      await putMany(session, storeRef(), MANY);
      const feed = new FeedProbe(session, storeRef());
      await feed.synced();
      await Promise.all([1, 2, 3].map(() => session.destroyStore(storeRef())));
      await session.destroyStore(storeRef());
      await session.destroyStore(storeRef({ name: "never" }));
      await eventually(() => expect({ ...feed.content() }).toEqual({}));
      const late = new FeedProbe(session, storeRef());
      await late.synced();
      expect(late.entries.filter(({ kind }) => kind !== "floor")).toEqual([]);
      expect(await session.listStores(storeRef().scope)).toEqual([]);
    });

    it("keeps what is written while it is destroyed, or loses it, but for everybody the same", async () => {
      const [one, two] = [await open(), await open()];
      const feeds = [one, two].map((session) => new FeedProbe(session, storeRef()));
      await Promise.all(feeds.map((feed) => feed.synced()));
      const writing = Promise.all(
        Array.from({ length: 200 }, (_, at) => put(two, storeRef(), `k${at % 20}`, String(at))),
      );
      await one.destroyStore(storeRef());
      await writing;
      const { seq } = await put(two, storeRef(), "end");
      for (const feed of feeds) await feed.entryAt("end", seq);
      const late = new FeedProbe(one, storeRef());
      await late.synced();
      for (const feed of feeds) expect(feed.content()).toEqual(late.content());
    });
  });
}
