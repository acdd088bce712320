import { ConatError, type DKV, type DkvConflict, type DkvReject } from "@conat/conat";
import { mergeJson, mergeMax, mergeSet } from "@conat/conat/merge";
import { eventually } from "@conat/conat/testing";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import type { DkvBench } from "./dkv-bench.ts";

interface Doc {
  base?: number;
  left?: number;
  right?: number;
}

/** Merge, compare-and-set, update, and the ledger of writes: the same through a hub and straight on NATS. */
export function describeDkvConflicts(bench: DkvBench): void {
  const { cuttable, newClient, open, pair, project } = bench;
  describe("merge", () => {
    it("joins what two clients wrote at once, and both end at the same value", async () => {
      const [left, right] = await pair<Doc>({ merge: mergeJson });
      left.set("doc", { base: 1 });
      await left.save();
      await eventually(() => expect(right.get("doc")).toEqual({ base: 1 }));
      left.set("doc", { base: 1, left: 1 });
      right.set("doc", { base: 1, right: 1 });
      await Promise.all([left.save(), right.save()]);
      const both = { base: 1, left: 1, right: 1 };
      await eventually(() => expect([left.get("doc"), right.get("doc")]).toEqual([both, both]));
    });

    it("is asked once per foreign version, with the common ancestor, and never for an own echo", async () => {
      const calls: unknown[] = [];
      const merge = (conflict: { prev: unknown; local: unknown; remote: unknown }): string => {
        calls.push([conflict.prev, conflict.local, conflict.remote]);
        return `${conflict.local}+${conflict.remote}`;
      };
      const mine = await open<string>({ merge, noAutosave: true });
      const theirs = await open<string>();
      const conflicts: DkvConflict<string>[] = [];
      mine.on("conflict", (conflict) => void conflicts.push(conflict));
      theirs.set("k", "base");
      await eventually(() => expect(mine.get("k")).toBe("base"));
      mine.set("k", "mine");
      theirs.set("k", "theirs");
      await eventually(() => expect(mine.get("k")).toBe("mine+theirs"));
      await mine.save();
      await eventually(() => expect(theirs.get("k")).toBe("mine+theirs"));
      expect(calls).toEqual([["base", "mine", "theirs"]]);
      expect(conflicts).toEqual([
        { key: "k", prev: "base", local: "mine", remote: "theirs", result: "mine+theirs" },
      ]);
    });

    it("decides about a local delete, may delete, and may store null", async () => {
      const decide = { result: null as string | null | undefined };
      const mine = await open<string | null>({ merge: () => decide.result, noAutosave: true });
      const theirs = await open<string | null>();
      const meet = async (key: string): Promise<void> => {
        theirs.set(key, "base");
        await eventually(() => expect(mine.get(key)).toBe("base"));
        mine.delete(key);
        theirs.set(key, "changed");
        await theirs.save();
        await eventually(() => expect(mine.get(key)).toBe(decide.result));
        await mine.save();
      };
      await meet("null");
      await eventually(() => expect(theirs.get("null")).toBeNull());
      decide.result = undefined;
      await meet("gone");
      await eventually(() => expect(theirs.has("gone")).toBe(false));
    });

    it("that throws keeps the local value and reports", async () => {
      const merge = (): never => {
        throw new Error("from merge");
      };
      const mine = await open<string>({ merge, noAutosave: true });
      const theirs = await open<string>();
      const errors: ConatError[] = [];
      mine.on("error", (error) => void errors.push(error));
      mine.set("k", "mine");
      theirs.set("k", "theirs");
      await eventually(() => expect(errors).toHaveLength(1));
      expect(errors[0]?.cause).toMatchObject({ message: "from merge" });
      expect(mine.get("k")).toBe("mine");
      await mine.save();
      await eventually(() => expect(theirs.get("k")).toBe("mine"));
    });

    it("meets what is no value as undefined, and everything that comes after it arrives", async () => {
      const schema = z.number();
      const mine = await open<number>({ merge: mergeMax, schema, noAutosave: true });
      const { session } = newClient();
      await session.ready();
      const theirs = await open<unknown>();
      const conflicts: DkvConflict<number>[] = [];
      const errors: ConatError[] = [];
      mine.on("conflict", (conflict) => void conflicts.push(conflict));
      mine.on("error", (error) => void errors.push(error));
      mine.setMany({ bytes: 1, text: 2 });
      const value = new TextEncoder().encode("no JSON");
      const put = {
        value,
        origin: "",
        write: 0,
        expectedSeq: undefined,
        ttlMs: 0,
        headers: undefined,
      };
      const scope = { kind: "project", id: project() } as const;
      const ref = { scope, name: "store", ephemeral: false, service: "" };
      await new Promise((resolve) => session.write(ref, [{ ...put, key: "bytes" }], resolve));
      theirs.set("text", "two");
      theirs.set("after", 3);
      await eventually(() => expect(mine.get("after")).toBe(3));
      expect(conflicts).toMatchObject([
        { key: "bytes", local: 1, remote: undefined, result: 1 },
        { key: "text", local: 2, remote: undefined, result: 2 },
      ]);
      await mine.save();
      expect(mine.get()).toEqual({ bytes: 1, text: 2, after: 3 });
      expect(errors).toEqual([]);
    });

    it("whose result set would refuse keeps the local value and reports", async () => {
      const results: Record<string, unknown> = {
        large: "x".repeat(2_000),
        none: () => 1,
        wrong: 1,
      };
      const mine = await open<unknown>({
        merge: ({ key }) => results[key],
        maxValueBytes: 1_000,
        schema: z.string(),
        noAutosave: true,
      });
      const theirs = await open<unknown>();
      const kinds: unknown[] = [];
      mine.on("error", (error) =>
        kinds.push(error.cause instanceof ConatError && error.cause.kind),
      );
      for (const key of Object.keys(results)) {
        mine.set(key, "mine");
        theirs.set(key, "theirs");
        await theirs.save();
      }
      await eventually(() =>
        expect(kinds).toEqual(["value-too-large", "not-serialisable", "invalid-value"]),
      );
      await mine.save();
      await eventually(() =>
        expect(theirs.get()).toEqual({ large: "mine", none: "mine", wrong: "mine" }),
      );
    });

    it("loses no member of a set that ten clients add to at once", async () => {
      const stores = await Promise.all(
        Array.from({ length: 10 }, () => open<string[]>({ merge: mergeSet })),
      );
      const members = stores.map((store, at) => {
        for (let n = 0; n < 5; n += 1)
          store.set("set", [...(store.get("set") ?? []), `${at}/${n}`]);
        return Array.from({ length: 5 }, (_, n) => `${at}/${n}`);
      });
      await Promise.all(stores.map((store) => store.save()));
      for (const store of stores) {
        await eventually(() =>
          expect([...(store.get("set") ?? [])].sort()).toEqual(members.flat().sort()),
        );
      }
    });
  });

  describe("compare-and-set", () => {
    it("stores when the sequence is right, and is refused with the current entry when it is not", async () => {
      const [mine, theirs] = await pair<string>();
      expect(await mine.set("k", "first", { ifSeq: 0 }).settled()).toMatchObject({
        status: "confirmed",
      });
      const outcome = await theirs.set("k", "second", { ifSeq: 0 }).settled();
      expect(outcome).toMatchObject({ status: "rejected", error: { kind: "conflict" } });
      if (outcome.status === "rejected") expect(outcome.error.current?.seq).toBe(mine.seq("k"));
      expect(theirs.get("k")).toBe("first");
      const next = await theirs.set("k", "third", { ifSeq: theirs.seq("k") }).settled();
      expect(next).toMatchObject({ status: "confirmed" });
      await eventually(() => expect(mine.get("k")).toBe("third"));
    });

    it("on a deleted key names the sequence of its removal", async () => {
      const store = await open<string>();
      store.set("k", "v");
      await store.save();
      store.delete("k");
      await store.save();
      expect(await store.set("k", "no", { ifSeq: 0 }).settled()).toMatchObject({
        status: "rejected",
      });
      expect(store.get("k")).toBeUndefined();
      expect(await store.set("k", "yes", { ifSeq: store.seq("k") }).settled()).toMatchObject({
        status: "confirmed",
      });
    });
  });

  describe("update", () => {
    it("loses no increment of 20 writers on one key", async () => {
      const stores = await Promise.all(Array.from({ length: 20 }, () => open<number>()));
      await Promise.all(
        stores.flatMap((store) =>
          Array.from({ length: 5 }, () => store.update("n", (value) => (value ?? 0) + 1)),
        ),
      );
      for (const store of stores) await eventually(() => expect(store.get("n")).toBe(100));
    });

    it("returns what is stored, may delete, and passes on what its function throws", async () => {
      const store = await open<number>();
      expect(await store.update("n", () => 1)).toBe(1);
      expect(await store.update("n", (value) => (value ?? 0) + 1)).toBe(2);
      expect(await store.update("n", () => undefined)).toBeUndefined();
      expect(store.has("n")).toBe(false);
      const failing = store.update("n", () => {
        throw new Error("from the function");
      });
      await expect(failing).rejects.toThrow("from the function");
      expect(store.isStable()).toBe(true);
    });
  });

  describe("update beside other things", () => {
    it("resolves with what it has stored itself, so that counting gives out each number once", async () => {
      const stores = await Promise.all(Array.from({ length: 20 }, () => open<number>()));
      const numbers = await Promise.all(
        stores.flatMap((store) =>
          Array.from({ length: 10 }, () => store.update("n", (value) => (value ?? 0) + 1)),
        ),
      );
      expect(new Set(numbers).size).toBe(200);
    });

    it("is exact while the line breaks again and again, but for what it says it does not know", async () => {
      const { client, line } = await cuttable();
      const mine = await open<number>({ client });
      const theirs = await open<number>();
      const counted = { stored: 0, unknown: 0 };
      let goesOn = true;
      const count = async (store: DKV<number>): Promise<void> => {
        while (goesOn) {
          await store
            .update("n", (value) => (value ?? 0) + 1)
            .then(
              () => {
                counted.stored += 1;
              },
              (error: unknown) => {
                expect(error).toMatchObject({ kind: "outcome-unknown" });
                counted.unknown += 1;
              },
            );
        }
      };
      const counting = [mine, theirs].map(count);
      for (let round = 0; round < 3; round += 1) {
        const { stored } = counted;
        await eventually(() => counted.stored > stored + 10);
        line.cut();
        await eventually(() => expect(mine.status).toBe("stale"));
        line.mend();
        await eventually(() => expect(mine.status).toBe("live"));
      }
      goesOn = false;
      await Promise.all(counting);
      await eventually(() => expect(mine.get("n")).toBe(theirs.get("n")));
      expect(mine.get("n")).toBeGreaterThanOrEqual(counted.stored);
      expect(mine.get("n")).toBeLessThanOrEqual(counted.stored + counted.unknown);
    });

    it("has one deadline for its turn and its work, and writes nothing after it", async () => {
      const { client, line } = await cuttable();
      const store = await open<number>({ client, timeoutMs: 300 });
      line.cut();
      let calls = 0;
      const updates = Array.from({ length: 20 }, () =>
        store.update("n", (value) => {
          calls += 1;
          return (value ?? 0) + 1;
        }),
      );
      const ended = await Promise.allSettled(updates);
      expect(ended.map((one) => one.status === "rejected" && one.reason.kind)).toEqual(
        updates.map(() => "timeout"),
      );
      line.mend();
      await store.save({ timeoutMs: 30_000 });
      expect(calls).toBe(1);
      expect(store.get("n")).toBe(1);
    });

    it("counts in the outbox like any other write", async () => {
      const store = await open<number>({ maxOutboxWrites: 2, noAutosave: true });
      store.set("a", 1);
      store.set("b", 1);
      await expect(store.update("c", () => 1)).rejects.toMatchObject({ kind: "outbox-full" });
      await store.save();
      expect(await store.update("c", () => 1)).toBe(1);
    });

    it("of a key that is saved by hand sends what it builds on", async () => {
      const [mine, theirs] = await pair<number>({ noAutosave: true, timeoutMs: 5_000 });
      mine.set("n", 1);
      expect(await mine.update("n", (value) => (value ?? 0) + 1)).toBe(2);
      await eventually(() => expect(theirs.get("n")).toBe(2));
    });
  });

  describe("the ledger of writes", () => {
    it("lists what is pending, and discards it on request", async () => {
      const store = await open<number>({ noAutosave: true });
      const listed: number[] = [];
      store.on("writes", () => void listed.push(store.writes().length));
      const handle = store.set("a", 1);
      store.set("b", 2);
      expect(store.hasUnsavedChanges()).toBe(true);
      expect(store.unsavedChanges()).toEqual(["a", "b"]);
      expect(store.isStable("a")).toBe(false);
      const writes = store.writes();
      expect(writes).toMatchObject([
        { key: "a", value: 1, state: "pending" },
        { key: "b", value: 2, state: "pending" },
      ]);
      expect(writes[0]?.discard()).toBe(true);
      expect(await handle.settled()).toEqual({ status: "discarded" });
      expect(store.get()).toEqual({ b: 2 });
      await store.save();
      expect(store.writes()).toEqual([]);
      await eventually(() => expect(listed).toEqual([1, 0]));
    });

    it("keeps a rejected write with its reason: save rejects, reject is told once, and retry writes it again", async () => {
      const store = await open<string>();
      const rejects: DkvReject<string>[] = [];
      store.on("reject", (reject) => void rejects.push(reject));
      store.set("k", "stored");
      await store.save();
      store.set("k", "refused", { ifSeq: 0 });
      expect(store.get("k")).toBe("refused");
      await expect(store.save()).rejects.toMatchObject({ kind: "conflict" });
      expect(store.get("k")).toBe("stored");
      expect(rejects).toMatchObject([{ key: "k", value: "refused", error: { kind: "conflict" } }]);
      const [failed] = store.writes();
      expect(failed).toMatchObject({ key: "k", state: "rejected", error: { kind: "conflict" } });
      expect(failed?.retry()).toBe(true);
      await store.save();
      expect(store.get("k")).toBe("refused");
      expect(store.writes()).toEqual([]);
    });

    it("retry keeps lifetime and headers, and is refused by name when the store is closed or full", async () => {
      const store = await open<number>({ maxOutboxWrites: 1 });
      const options = { ifSeq: 99, ttlMs: 3_600_000, headers: { by: "me" } };
      for (const key of ["a", "b"]) await store.set(key, 1, options).settled();
      const [first, second] = store.writes();
      store.set("c", 1);
      expect(() => first?.retry()).toThrowError(expect.objectContaining({ kind: "outbox-full" }));
      await store.save();
      expect([first?.retry(), first?.retry()]).toEqual([true, false]);
      await store.save();
      await eventually(() => expect(store.headers("a")).toEqual({ by: "me" }));
      await store.close();
      expect(() => second?.retry()).toThrowError(expect.objectContaining({ kind: "closed" }));
      expect(store.hasUnsavedChanges()).toBe(false);
    });

    it("settled(key) waits for the write before, when the newest was taken back", async () => {
      const { client, line } = await cuttable();
      const store = await open<number>({ client });
      line.stall();
      store.set("k", 1);
      await eventually(() => expect(store.writes()).toMatchObject([{ state: "in-flight" }]));
      const second = store.set("k", 2);
      store.writes().at(-1)?.discard();
      expect(await second.settled()).toEqual({ status: "discarded" });
      const settled = store.settled("k");
      line.cut();
      line.mend();
      expect(await settled).toMatchObject({ status: "confirmed" });
    });

    it("settled(key) tells of the write that waits, not of the one before it that is on its way", async () => {
      const { client, line } = await cuttable();
      const store = await open<number>({ client });
      line.stall();
      const first = store.set("k", 1);
      await eventually(() => expect(store.writes()).toMatchObject([{ state: "in-flight" }]));
      const second = store.set("k", 2);
      const settled = store.settled("k");
      line.cut();
      line.mend();
      expect(await settled).toEqual(await second.settled());
      expect(await settled).toMatchObject({ status: "confirmed" });
      expect(await settled).not.toEqual(await first.settled());
    });

    it("settled(key) tells how the newest write of a key ended; an overtaken one was superseded", async () => {
      const store = await open<number>();
      const first = store.set("k", 1);
      store.set("k", 2);
      expect(await store.settled("k")).toMatchObject({ status: "confirmed", seq: store.seq("k") });
      expect(await first.settled()).toEqual({ status: "superseded" });
      expect(await store.settled("k")).toBeUndefined();
    });

    it("settled(key) has a deadline, which ends the wait and not the write", async () => {
      const { client, line } = await cuttable();
      const store = await open<number>({ client, timeoutMs: 300 });
      line.cut();
      const handle = store.set("k", 1);
      await expect(store.settled("k")).rejects.toMatchObject({ kind: "timeout" });
      line.mend();
      expect(await handle.settled()).toMatchObject({ status: "confirmed" });
    });
  });
}
