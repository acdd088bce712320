import { ConatError, type DkvChange, type DkvOptions, dkv } from "@conat/conat";
import { eventually } from "@conat/conat/testing";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import type { DkvBench } from "./dkv-bench.ts";

/** The behaviour of a store, the same through a hub and straight on NATS. */
export function describeDkv({ cuttable, newClient, newest, open, pair, project }: DkvBench): void {
  describe("reading and writing", () => {
    it("shows a set value at once, stores it, and shows it to everybody else", async () => {
      const [mine, theirs] = await pair<number>();
      mine.set("a", 1);
      expect(mine.get("a")).toBe(1);
      await mine.save();
      await eventually(() => expect(theirs.get("a")).toBe(1));
      expect(theirs.get()).toEqual({ a: 1 });
      expect(theirs.keys()).toEqual(["a"]);
      expect(theirs.entries()).toEqual([["a", 1]]);
      expect(theirs.size).toBe(1);
      expect(theirs.time("a")).toBeGreaterThan(1_600_000_000_000);
      expect(theirs.seq("a")).toBe(mine.seq("a"));
    });

    it("gives who comes later everything that was stored", async () => {
      const mine = await open<number>();
      for (let at = 0; at < 50; at += 1) mine.set(`key ${at}`, at);
      await mine.save();
      const late = await open<number>();
      expect(late.size).toBe(50);
      expect(late.get("key 7")).toBe(7);
    });

    it("deletes, and a deleted key may be written again", async () => {
      const [mine, theirs] = await pair<string>();
      mine.set("k", "one");
      await mine.save();
      mine.delete("k");
      expect(mine.has("k")).toBe(false);
      await mine.save();
      await eventually(() => expect(theirs.seq("k")).toBe(mine.seq("k")));
      expect(theirs.get("k")).toBeUndefined();
      expect(theirs.keys()).toEqual([]);
      const removed = mine.seq("k");
      mine.set("k", "two");
      await mine.save();
      expect(mine.seq("k")).toBeGreaterThan(removed);
      await eventually(() => expect(theirs.get("k")).toBe("two"));
    });

    it("setMany takes all or nothing, clear removes all", async () => {
      const store = await open<unknown>();
      expect(() => store.setMany({ a: 1, b: () => 1 })).toThrowError(
        expect.objectContaining({ kind: "not-serialisable" }),
      );
      expect(() => store.setMany({ a: 1, ["x".repeat(20_000)]: 2 })).toThrowError(
        expect.objectContaining({ kind: "bad-name" }),
      );
      expect(store.size).toBe(0);
      store.setMany({ a: 1, b: 2 });
      store.clear();
      expect(store.get()).toEqual({});
      await store.save();
      expect(store.size).toBe(0);
    });

    it("keeps stores of the same name in other scopes, and ephemeral ones, apart", async () => {
      const client = newClient();
      const persistent = await dkv<string>({ client, project_id: project(), name: "same" });
      const ephemeral = await dkv<string>({
        client,
        project_id: project(),
        name: "same",
        ephemeral: true,
      });
      persistent.set("k", "disk");
      ephemeral.set("k", "memory");
      await Promise.all([persistent.save(), ephemeral.save()]);
      expect([persistent.get("k"), ephemeral.get("k")]).toEqual(["disk", "memory"]);
    });

    it("an ephemeral store lives on when nobody is connected", async () => {
      const first = await open<number>({ ephemeral: true });
      first.set("k", 1);
      await first.close();
      await newest().close();
      const second = await open<number>({ ephemeral: true });
      expect(second.get("k")).toBe(1);
    });

    it("takes every string as store name and key, and none leaks into another store", async () => {
      const names = [
        "",
        " ",
        "a.b",
        "*",
        ">",
        "a b\nc",
        "é😀",
        "x".repeat(3_000),
        "__proto__",
        "toString",
        "=41",
      ];
      const client = newClient();
      for (const name of names) {
        const store = await dkv<string>({ client, project_id: project(), name });
        for (const key of names) store.set(key, `${name}/${key}`);
        await store.save();
      }
      const other = newClient();
      for (const name of names) {
        const store = await dkv<string>({ client: other, project_id: project(), name });
        expect(store.keys().sort()).toEqual([...names].sort());
        for (const key of names) expect(store.get(key)).toBe(`${name}/${key}`);
        expect(Object.keys(store.get()).sort()).toEqual([...names].sort());
      }
      const empty = await dkv<string>({ client, project_id: project(), name: "never written" });
      expect([empty.has("toString"), empty.has("__proto__"), empty.size]).toEqual([
        false,
        false,
        0,
      ]);
    });

    it("gives back a frozen value that stays the same object until the next version", async () => {
      const [mine, theirs] = await pair<{ list: number[] }>();
      const value = { list: [1] };
      mine.set("k", value);
      const seen = mine.get("k");
      value.list.push(2);
      expect(seen).toEqual({ list: [1] });
      expect(() => seen?.list.push(3)).toThrow(TypeError);
      await mine.save();
      await eventually(() => expect(theirs.has("k")).toBe(true));
      expect(mine.get("k")).toBe(seen);
      expect(theirs.get("k")).toBe(theirs.get("k"));
    });
  });

  describe("change events", () => {
    it("tell of each confirmed version once, own ones included, with the value before", async () => {
      const [mine, theirs] = await pair<number>();
      const own: DkvChange<number>[] = [];
      const foreign: DkvChange<number>[] = [];
      mine.on("change", (change) => {
        own.push(change);
        if (!change.pending) expect(mine.get(change.key)).toBe(change.value);
      });
      theirs.on("change", (change) => void foreign.push(change));
      mine.set("k", 1);
      await eventually(() => expect(own).toHaveLength(1));
      mine.set("k", 2);
      await eventually(() => expect(own).toHaveLength(2));
      mine.delete("k");
      const told = [
        { value: 1, prev: undefined, kind: "put" },
        { value: 2, prev: 1, kind: "put" },
        { value: undefined, prev: 2, kind: "delete" },
      ];
      await eventually(() => expect([own.length, foreign.length]).toEqual([3, 3]));
      expect(own).toMatchObject(told.map((change) => ({ ...change, own: true, pending: false })));
      expect(foreign).toMatchObject(told.map((change) => ({ ...change, own: false })));
    });

    it("a handler that throws stops no other", async () => {
      const store = await open<number>();
      const uncaught: unknown[] = [];
      const keep = (error: unknown): void => void uncaught.push(error);
      const before = process.listeners("uncaughtException");
      process.removeAllListeners("uncaughtException");
      process.on("uncaughtException", keep);
      const seen: string[] = [];
      store.on("change", () => {
        throw new Error("from a handler");
      });
      store.on("change", ({ key }) => void seen.push(key));
      store.set("k", 1);
      await store.save();
      await eventually(() => expect(seen).toEqual(["k"]));
      await eventually(() => expect(uncaught).toMatchObject([{ message: "from a handler" }]));
      process.off("uncaughtException", keep);
      for (const listener of before) process.on("uncaughtException", listener);
    });

    it("a handler may write and delete what it is told of", async () => {
      const [mine, theirs] = await pair<number>();
      for (const store of [mine, theirs]) {
        store.on("change", ({ key, value, own }) => {
          if (!own && value !== undefined && value < 50) store.set(key, value + 1);
          if (value === 50) store.delete(key);
        });
      }
      mine.set("k", 0);
      await eventually(() => expect([mine.seq("k") > 0, mine.has("k")]).toEqual([true, false]));
      const removed = new Promise((resolve) =>
        theirs.on("change", ({ key, value }) => key === "end" && resolve(value)),
      );
      mine.set("end", 99);
      expect(await removed).toBe(99);
      await eventually(() =>
        expect([mine.get(), theirs.get()]).toEqual([{ end: 99 }, { end: 99 }]),
      );
    });

    it("subscribe and subscribeKey tell of local and confirmed changes of what is visible", async () => {
      const [mine, theirs] = await pair<number>();
      const seen: string[] = [];
      theirs.subscribeKey("a", () => void seen.push("a"));
      theirs.subscribe(() => void seen.push("all"));
      theirs.set("b", 1);
      expect(seen).toEqual(["all"]);
      mine.set("a", 1);
      await eventually(() => expect(seen).toContain("a"));
      const snapshot = theirs.snapshot();
      expect(theirs.snapshot()).toBe(snapshot);
      expect([...snapshot]).toEqual(expect.arrayContaining([["a", 1]]));
    });
  });

  describe("many writes", () => {
    it("coalesces a burst to one key, the last one always reaching everybody", async () => {
      const [mine, theirs] = await pair<number>();
      const versions = new Set<number>();
      theirs.on("change", ({ seq }) => void versions.add(seq));
      for (let value = 0; value < 200; value += 1) mine.set("k", value);
      await mine.save();
      await eventually(() => expect(theirs.get("k")).toBe(199));
      expect(versions.size).toBeLessThanOrEqual(2);
    });

    it("a lone write leaves before anything else happens", async () => {
      const store = await open<number>();
      store.set("k", 1);
      await Promise.resolve();
      expect(store.writes()).toMatchObject([{ key: "k", state: "in-flight" }]);
    });

    it("pipelines distinct keys", async () => {
      const [mine, theirs] = await pair<number>();
      for (let at = 0; at < 3_000; at += 1) mine.set(`k${at}`, at);
      expect(mine.unsavedChanges()).toHaveLength(3_000);
      await mine.save();
      expect(mine.isStable()).toBe(true);
      await eventually(() => expect(theirs.size).toBe(3_000));
      expect(theirs.get("k2999")).toBe(2_999);
    });

    it("goes on when the line breaks while as many as may be are under way, and none has arrived", async () => {
      const { client, line } = await cuttable();
      const store = await open<number>({ client });
      const theirs = await open<number>();
      line.stall();
      for (let at = 0; at < 1_500; at += 1) store.set(`k${at}`, at);
      await eventually(() =>
        expect(store.writes().filter(({ state }) => state === "in-flight")).toHaveLength(1_000),
      );
      line.cut();
      line.mend();
      await store.save();
      await eventually(() => expect(theirs.size).toBe(1_500));
    });

    it("throws outbox-full past the bound, and goes on when there is room again", async () => {
      const store = await open<number>({ maxOutboxWrites: 10 });
      expect(() => {
        for (let at = 0; at <= 10; at += 1) store.set(`k${at}`, at);
      }).toThrowError(expect.objectContaining({ kind: "outbox-full" }));
      await store.save();
      store.set("k10", 10);
      await store.save();
      expect(store.size).toBe(11);
    });
  });

  describe("opening and closing", () => {
    it("the same store on the same connection is the same instance until everybody has closed it", async () => {
      const client = newClient();
      const options = { client, project_id: project(), name: "shared" };
      const first = await dkv<number>(options);
      const second = await dkv<number>(options);
      expect(second).toBe(first);
      await first.close();
      second.set("k", 1);
      await second.close();
      expect(second.closed).toBe(true);
      const third = await dkv<number>(options);
      expect(third).not.toBe(first);
      await first.close();
      third.set("k", 2);
      await third.save();
      expect(third.get("k")).toBe(2);
    });

    it("a second open that asks for another behaviour is refused; function literals of the same kind are not", async () => {
      const client = newClient();
      const options = { client, project_id: project(), name: "strict" };
      await dkv<string>({ ...options, merge: ({ local }) => local });
      await expect(dkv(options)).rejects.toMatchObject({ kind: "bad-options" });
      await dkv({ ...options, merge: ({ remote }) => remote });
      const others: Partial<DkvOptions<string>>[] = [
        { schema: z.string() },
        { noAutosave: true },
        { ttlMs: 5_000 },
        { reoffer: true },
        { maxValueBytes: 10 },
        { maxOutboxWrites: 10 },
        { maxOutboxBytes: 10 },
      ];
      for (const other of others) {
        const [name = ""] = Object.keys(other);
        const opening = dkv({ ...options, merge: ({ local }) => local, ...other });
        await expect(opening).rejects.toMatchObject({
          kind: "bad-options",
          message: expect.stringContaining(name),
        });
      }
      await dkv({ ...options, ephemeral: true, noAutosave: true });
      await dkv({ ...options, noCache: true });
    });

    it("the last close sends what is pending", async () => {
      const [mine, theirs] = await pair<number>();
      mine.set("k", 1);
      await mine.close();
      await eventually(() => expect(theirs.get("k")).toBe(1));
    });

    it("a last close that cannot send has a deadline, and says what was not stored", async () => {
      const { client, line } = await cuttable();
      const store = await open<number>({ client, timeoutMs: 300 });
      line.stall();
      const handles = Array.from({ length: 1_500 }, (_, at) => store.set(`k${at}`, at));
      const told: string[] = [];
      store.on("reject", ({ key }) => void told.push(key));
      await expect(store.close()).rejects.toMatchObject({ kind: "timeout" });
      const ended = await Promise.all(handles.map((handle) => handle.settled()));
      const count = (wanted: string): number =>
        ended.filter(({ status }) => status === wanted).length;
      expect([count("outcome-unknown"), count("rejected")]).toEqual([1_000, 500]);
      expect(told).toEqual(handles.map(({ key }) => key));
      line.cut();
    });

    it("a store that is opened again while its last close is under way has what was written before", async () => {
      const client = newClient();
      const options = { client, project_id: project(), name: "again" };
      for (let round = 1; round <= 20; round += 1) {
        const store = await dkv<number>(options);
        expect(store.get("k")).toBe(round === 1 ? undefined : round - 1);
        store.set("k", round);
        void store.close();
      }
    });

    it("opening again a store whose close cannot end has a deadline of its own", async () => {
      const { client, line } = await cuttable();
      const options = { client, project_id: project(), name: "stuck" };
      const store = await dkv<number>(options);
      line.cut();
      store.set("k", 1);
      void store.close();
      await expect(dkv({ ...options, timeoutMs: 200 })).rejects.toMatchObject({ kind: "timeout" });
      store.abort(new ConatError("closed", "end of the test"));
    });

    it("a closed store throws by name and tells that it is closed", async () => {
      const store = await open<number>();
      const closed: unknown[] = [];
      store.on("closed", (error) => void closed.push(error));
      await store.close();
      await store.close();
      expect(() => store.set("k", 1)).toThrowError(expect.objectContaining({ kind: "closed" }));
      expect(closed).toEqual([undefined]);
      expect(store.status).toBe("closed");
    });

    it("a connection that ends closes its stores by name and ends what was pending", async () => {
      const store = await open<number>({ noAutosave: true });
      const handle = store.set("k", 1);
      const closed = new Promise((resolve) => store.on("closed", resolve));
      await newest().close();
      expect(await closed).toMatchObject({ kind: "closed" });
      expect(await handle.settled()).toMatchObject({
        status: "rejected",
        error: { kind: "closed" },
      });
    });
  });

  describe("what is refused", () => {
    it("bad options and names, by name", async () => {
      const client = newClient();
      const bad = (options: object): Promise<unknown> =>
        dkv({ client, name: "store", ...options } as never).catch((error: unknown) => error);
      expect(await bad({})).toMatchObject({ kind: "bad-options" });
      expect(await bad({ project_id: project(), account_id: "a" })).toMatchObject({
        kind: "bad-options",
      });
      expect(await bad({ project_id: 7 })).toMatchObject({ kind: "bad-name" });
      expect(await bad({ project_id: "" })).toMatchObject({ kind: "bad-name" });
      expect(await bad({ project_id: project(), name: "x".repeat(20_000) })).toMatchObject({
        kind: "bad-name",
      });
      expect(await bad({ project_id: project(), name: "\ud800" })).toMatchObject({
        kind: "bad-name",
      });
      expect(await bad({ project_id: project(), ttlMs: -1 })).toMatchObject({
        kind: "bad-options",
      });
    });

    it("a value that cannot be stored or is too large throws in set, and nothing else is affected", async () => {
      const store = await open<unknown>({ maxValueBytes: 1_000 });
      store.set("good", 1);
      const cycle: unknown[] = [];
      cycle.push(cycle);
      for (const value of [() => 1, Symbol("s"), cycle, undefined]) {
        expect(() => store.set("bad", value)).toThrowError(
          expect.objectContaining({ kind: "not-serialisable" }),
        );
      }
      expect(() => store.set("bad", "x".repeat(1_001))).toThrowError(
        expect.objectContaining({ kind: "value-too-large" }),
      );
      await store.save();
      expect(store.get()).toEqual({ good: 1 });
    });

    it("a store of an unknown service, by name", async () => {
      const error: unknown = await open({ service: "nowhere" }).catch((reason: unknown) => reason);
      expect(error).toBeInstanceOf(ConatError);
      expect(error).toMatchObject({ kind: "bad-options" });
    });
  });
}
