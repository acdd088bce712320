import { type DkvChange, dkv } from "@conat/conat";
import { eventually } from "@conat/conat/testing";
import { describe, expect, it } from "vitest";
import type { DkvBench } from "./dkv-bench.ts";

/** Each defect that CoCalc's stores were seen to have, as a test that fails with it. */
export function describeCocalcDefects({
  open,
  pair,
  project,
  newClient,
  cuttable,
}: DkvBench): void {
  describe("what went wrong in CoCalc's stores does not go wrong here", () => {
    it("1: a value that differs from its decoded echo is written once, and save resolves", async () => {
      class Point {
        x = 1;
      }
      const store = await open<unknown>();
      let versions = 0;
      store.on("change", () => {
        versions += 1;
      });
      const values = [{ a: undefined }, new Point(), new Map([["k", 1]]), new Float64Array([1, 2])];
      for (const [at, value] of values.entries()) store.set(`${at}`, value);
      await store.save();
      await eventually(() => expect(versions).toBe(values.length));
      store.set("last", 1);
      await eventually(() => expect(store.isStable() && versions === values.length + 1).toBe(true));
      expect(store.writes()).toEqual([]);
    });

    it("2: one value that cannot be encoded keeps no other key unsaved", async () => {
      const [mine, theirs] = await pair<unknown>();
      mine.set("before", 1);
      expect(() => mine.set("bad", { f: () => 1 })).toThrow();
      mine.set("after", 2);
      await mine.save();
      await eventually(() => expect(theirs.get()).toEqual({ before: 1, after: 2 }));
    });

    it("3: ephemeral data outlives its last client, and a broken line of the only one", async () => {
      const { client, line } = await cuttable();
      const store = await dkv<number>({
        client,
        project_id: project(),
        name: "e",
        ephemeral: true,
      });
      store.set("k", 1);
      await store.save();
      line.cut();
      await eventually(() => expect(store.status).toBe("stale"));
      line.mend();
      await eventually(() => expect(store.status).toBe("live"));
      expect(store.get("k")).toBe(1);
      await client.close();
      const later = await open<number>({ name: "e", ephemeral: true });
      expect(later.get("k")).toBe(1);
    });

    it("4: a delete between acknowledgement and echo is not lost, and the key never flickers back", async () => {
      const [mine, theirs] = await pair<number>();
      for (let round = 0; round < 50; round += 1) {
        const key = `k${round}`;
        const deleted = { yet: false };
        mine.subscribeKey(key, () => {
          if (deleted.yet) expect(mine.has(key)).toBe(false);
        });
        await mine.set(key, round).settled();
        mine.delete(key);
        deleted.yet = true;
      }
      await mine.save();
      theirs.set("end", 1);
      await eventually(() => expect(mine.get()).toEqual({ end: 1 }));
      await eventually(() => expect(theirs.get()).toEqual({ end: 1 }));
    });

    it("5: merge is not asked about an own echo, is asked about a local delete, and may delete or store null", async () => {
      const asked: unknown[] = [];
      const merge = (conflict: { key: string; local: unknown }): null | undefined => {
        asked.push([conflict.key, conflict.local]);
        return conflict.key === "null" ? null : undefined;
      };
      const mine = await open<unknown>({ merge, noAutosave: true });
      const theirs = await open<unknown>();
      mine.set("own", 1);
      mine.set("own", 2);
      await mine.save();
      await eventually(() => expect(theirs.get("own")).toBe(2));
      for (const key of ["null", "gone"]) {
        theirs.set(key, "base");
        await eventually(() => expect(mine.get(key)).toBe("base"));
        mine.delete(key);
        theirs.set(key, "theirs");
        await eventually(() => expect(asked).toContainEqual([key, undefined]));
      }
      await mine.save();
      await eventually(() => expect(theirs.get()).toEqual({ own: 2, null: null }));
      expect(asked).toHaveLength(2);
    });

    it("6: close saves; another behaviour is refused; a stale second close closes nothing newer", async () => {
      const client = newClient();
      const options = { client, project_id: project(), name: "six" };
      const first = await dkv<number>(options);
      first.set("k", 1);
      await expect(dkv<number>({ ...options, merge: () => 0 })).rejects.toMatchObject({
        kind: "bad-options",
      });
      await first.close();
      const second = await dkv<number>(options);
      expect(second.get("k")).toBe(1);
      await first.close();
      second.set("k", 2);
      await second.save();
      expect(second.closed).toBe(false);
    });

    it("7: what expires or is deleted while a client is away leaves no ghost and gives a change", async () => {
      const { client, line } = await cuttable();
      const away = await dkv<number>({ client, project_id: project(), name: "store" });
      const here = await open<number>();
      here.set("expires", 1, { ttlMs: 1_000 });
      here.set("deleted", 1);
      here.set("stays", 1);
      await eventually(() => expect(away.size).toBe(3));
      const changes: DkvChange<number>[] = [];
      away.on("change", (change) => void changes.push(change));
      line.cut();
      await eventually(() => expect(away.status).toBe("stale"));
      here.delete("deleted");
      await eventually(() => expect(here.get()).toEqual({ stays: 1 }));
      expect(away.size).toBe(3);
      line.mend();
      await eventually(() => expect(away.get()).toEqual({ stays: 1 }));
      expect(changes.map(({ key, value }) => [key, value]).sort()).toEqual([
        ["deleted", undefined],
        ["expires", undefined],
      ]);
    });

    it("8: keys are data: toString and __proto__ are keys like any other, and no reader can change a value", async () => {
      const store = await open<{ list: number[] }>();
      expect([store.has("toString"), store.get("__proto__")]).toEqual([false, undefined]);
      store.set("__proto__", { list: [1] });
      store.set("gone", { list: [] });
      store.delete("gone");
      expect(store.keys()).toEqual(["__proto__"]);
      expect(() => store.get("__proto__")?.list.push(2)).toThrow(TypeError);
      await store.save();
      expect(store.get("__proto__")).toEqual({ list: [1] });
    });

    it("9: every wait ends by its deadline while disconnected, and the write goes on", async () => {
      const { client, line } = await cuttable();
      const store = await dkv<number>({ client, project_id: project(), name: "store" });
      line.cut();
      await eventually(() => expect(store.status).toBe("stale"));
      store.set("k", 1);
      await expect(store.save({ timeoutMs: 50 })).rejects.toMatchObject({ kind: "timeout" });
      const opening = dkv({ client, project_id: project(), name: "other", timeoutMs: 50 });
      await expect(opening).rejects.toMatchObject({ kind: "timeout" });
      expect(store.get("k")).toBe(1);
      line.mend();
      await store.save();
      const theirs = await open<number>();
      expect(theirs.get("k")).toBe(1);
    });

    it("10: keys that NATS refuses and values near the limit are stored; too large a value is refused by name", async () => {
      const [mine, theirs] = await pair<string>();
      const large = "x".repeat(500_000);
      mine.set("a b/é..>*", large);
      expect(() => mine.set("k", "x".repeat(600_000))).toThrowError(
        expect.objectContaining({ kind: "value-too-large" }),
      );
      await mine.save();
      await eventually(() => expect(theirs.get("a b/é..>*")).toBe(large));
    });
  });
}
