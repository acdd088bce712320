import type { DkvChange, DkvInvalid, SetOptions } from "@conat/conat";
import { eventually } from "@conat/conat/testing";
import { type } from "arktype";
import * as v from "valibot";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import type { DkvBench } from "./dkv-bench.ts";

/** Lifetimes, schemas, saving by hand, headers: the same through a hub and straight on NATS. */
export function describeDkvOptions({ open, pair }: DkvBench): void {
  describe("lifetime", () => {
    it("of an entry ends for everybody with a change, also for who was told before and who comes later", async () => {
      const [mine, theirs] = await pair<string>();
      const seen: DkvChange<string>[] = [];
      theirs.on("change", (change) => void seen.push(change));
      mine.set("short", "lived", { ttlMs: 1_000 });
      mine.set("renewed", "one", { ttlMs: 1_000 });
      mine.set("long", "lived");
      await mine.save();
      mine.set("renewed", "two", { ttlMs: 3_600_000 });
      await mine.save();
      await eventually(() => expect(mine.has("short")).toBe(false));
      await eventually(() => expect(seen.at(-1)).toMatchObject({ key: "short", kind: "expiry" }));
      expect(seen.at(-1)).toMatchObject({ value: undefined, prev: "lived", own: false });
      const late = await open<string>();
      expect(late.get()).toEqual({ renewed: "two", long: "lived" });
      expect(theirs.get()).toEqual(late.get());
    });

    it("of a whole store is the default of its entries", async () => {
      const store = await open<string>({ ttlMs: 1_000, ephemeral: true });
      store.set("k", "v");
      await store.save();
      expect(store.has("k")).toBe(true);
      await eventually(() => expect(store.has("k")).toBe(false));
    });
  });

  describe("a schema", () => {
    const schema = z.object({ title: z.string(), done: z.boolean() });

    it("types and checks what is set, and nothing else is affected", async () => {
      const store = await open({ schema });
      store.set("good", { title: "t", done: false });
      expect(() => store.set("bad", { title: 1, done: false } as never)).toThrowError(
        expect.objectContaining({
          kind: "invalid-value",
          message: expect.stringContaining("title"),
        }),
      );
      await store.save();
      expect(store.keys()).toEqual(["good"]);
    });

    it.each([
      ["Valibot", v.object({ title: v.string(), done: v.boolean() })],
      ["ArkType", type({ title: "string", done: "boolean" })],
    ])("may be made by %s", async (_library, made) => {
      const strict = await open({ schema: made });
      const loose = await open<unknown>();
      strict.set("good", { title: "t", done: false });
      expect(() => strict.set("bad", { title: 1 } as never)).toThrowError(
        expect.objectContaining({
          kind: "invalid-value",
          message: expect.stringContaining("title"),
        }),
      );
      const invalid = new Promise<DkvInvalid>((resolve) => strict.on("invalid", resolve));
      loose.set("bad", { title: 1 });
      expect(await invalid).toMatchObject({ key: "bad", error: { kind: "invalid-value" } });
      expect(strict.get()).toEqual({ good: { title: "t", done: false }, bad: undefined });
    });

    it("that has to wait is refused by name", async () => {
      const validate = (): Promise<never> => Promise.reject(new Error("nobody waits"));
      const slow = { "~standard": { version: 1, vendor: "a test", validate } } as const;
      const store = await open<string>({ schema: slow });
      expect(() => store.set("k", "v")).toThrowError(
        expect.objectContaining({ kind: "bad-options" }),
      );
    });

    it("reports what arrives from others and is not valid; it reads as undefined and is there raw", async () => {
      const strict = await open({ schema });
      const loose = await open<unknown>();
      const invalid: DkvInvalid[] = [];
      const changes: unknown[] = [];
      strict.on("invalid", (problem) => void invalid.push(problem));
      strict.on("change", ({ value }) => void changes.push(value));
      loose.set("k", { title: 1 });
      await eventually(() => expect(changes).toEqual([undefined]));
      expect(invalid).toMatchObject([{ key: "k", error: { kind: "invalid-value" } }]);
      expect(strict.get("k")).toBeUndefined();
      expect(new TextDecoder().decode(strict.raw("k"))).toBe('{"title":1}');
    });
  });

  describe("saving by hand", () => {
    it("sends nothing before save", async () => {
      const [mine, theirs] = await pair<number>({ noAutosave: true });
      mine.set("a", 1);
      mine.set("b", 2);
      theirs.set("c", 3);
      await theirs.save();
      await eventually(() => expect(mine.get("c")).toBe(3));
      expect(theirs.get()).toEqual({ c: 3 });
      await mine.save();
      await eventually(() => expect(theirs.get()).toEqual({ a: 1, b: 2, c: 3 }));
      mine.set("a", 2);
      await mine.save();
      await eventually(() => expect(theirs.get("a")).toBe(2));
    });
  });

  it("a deadline that no timer can keep is refused, not kept at once", async () => {
    await expect(open({ timeoutMs: 2 ** 31 })).rejects.toMatchObject({ kind: "bad-options" });
    const store = await open<number>();
    store.set("k", 1);
    for (const timeoutMs of [2 ** 31, Number.NaN]) {
      await expect(store.save({ timeoutMs })).rejects.toMatchObject({ kind: "bad-options" });
    }
  });

  describe("options of one write", () => {
    it("that are wrong throw in set, and no other write is affected", async () => {
      const store = await open<number>();
      store.set("good", 1);
      const wrong: SetOptions[] = [
        ...[Number.NaN, -1, 1.5, Number.POSITIVE_INFINITY, "1" as never].map((ifSeq) => ({
          ifSeq,
        })),
        ...[Number.NaN, -1, 0, Number.POSITIVE_INFINITY, 1e300].map((ttlMs) => ({ ttlMs })),
      ];
      for (const options of wrong) {
        expect(() => store.set("bad", 1, options)).toThrowError(
          expect.objectContaining({ kind: "bad-options" }),
        );
      }
      await store.save();
      expect(store.get()).toEqual({ good: 1 });
    });

    it("a lifetime that is no whole number of milliseconds is rounded up", async () => {
      const store = await open<number>();
      store.set("k", 1, { ttlMs: 60_000.5 });
      await store.save();
      expect(store.get("k")).toBe(1);
    });
  });

  describe("headers", () => {
    it("travel with the value", async () => {
      const [mine, theirs] = await pair<number>();
      mine.set("k", 1, { headers: { author: "é\r\nNats-Rollup: all", toString: "x" } });
      await mine.save();
      await eventually(() => expect(theirs.headers("k")).toBeDefined());
      expect({ ...theirs.headers("k") }).toEqual({
        author: "é\r\nNats-Rollup: all",
        toString: "x",
      });
      expect(theirs.size).toBe(1);
    });
  });

  describe("every kind of value", () => {
    it("comes to everybody as it was set, and keeps still", async () => {
      const [mine, theirs] = await pair<unknown>();
      const values: [string, unknown][] = [
        ["null", null],
        ["undefined property", { a: undefined, b: 1 }],
        ["nan", Number.NaN],
        ["date", new Date(1)],
        ["bigint", 1n << 100n],
        ["map", new Map([["k", new Set([1])]])],
        ["floats", new Float64Array([1.5])],
        ["bytes", new Uint8Array([1, 2, 255])],
      ];
      let versions = 0;
      mine.on("change", () => {
        versions += 1;
      });
      for (const [key, value] of values) mine.set(key, value);
      await mine.save();
      await eventually(() => expect(theirs.size).toBe(values.length));
      for (const [key] of values) expect(theirs.get(key)).toEqual(mine.get(key));
      expect(theirs.get("undefined property")).toEqual({ b: 1 });
      expect(theirs.get("floats")).toEqual(new Float64Array([1.5]));
      theirs.set("end", true);
      await eventually(() => expect(mine.get("end")).toBe(true));
      expect(versions).toBe(values.length + 1);
    });

    it("that holds something mutable is a copy for every reader", async () => {
      const store = await open<{ at: Date; raw: Uint8Array }>();
      store.set("k", { at: new Date(0), raw: new Uint8Array([1]) });
      store.get("k")?.at.setTime(99);
      store.get("k")?.raw.fill(9);
      expect(store.get("k")).toEqual({ at: new Date(0), raw: new Uint8Array([1]) });
      await store.save();
      expect(store.get("k")).toEqual({ at: new Date(0), raw: new Uint8Array([1]) });
    });
  });

  it("tells what an acknowledgement means, and refuses to promise a disk that it does not know of", async () => {
    const store = await open({ ephemeral: true });
    expect(store.durability).toBe("memory");
    await expect(open({ ephemeral: true, name: "other", sync: true })).rejects.toMatchObject({
      kind: "not-durable",
    });
  });
}
