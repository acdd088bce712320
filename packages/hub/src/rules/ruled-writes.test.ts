import {
  ConatError,
  createEntry,
  type Entry,
  type Mutation,
  type StoreRef,
  type WriteResult,
} from "@conat/conat/internal";
import { describe, expect, it } from "vitest";
import { accountIdentity, projectIdentity } from "../scope/identity.ts";
import { parseRules } from "./declared-rules.ts";
import { allow, type Rule } from "./rule.ts";
import { RuleBook } from "./rule-book.ts";
import { RuledWrites } from "./ruled-writes.ts";

const ref: StoreRef = {
  scope: { kind: "project", id: "p" },
  name: "docs",
  ephemeral: false,
  service: "",
};
const alice = accountIdentity("alice", ["p"]);
const bytes = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value));

/** A store that remembers what it was asked, and answers reads when it is told to. */
function openWorld(rules: readonly Rule[]) {
  const stored = new Map<string, Entry>();
  const calls: string[] = [];
  const reported: unknown[] = [];
  const held: (() => void)[] = [];
  const book = new RuleBook(rules, (error) => reported.push(error));
  const writes = new RuledWrites({
    book: () => book,
    authorize: () => alice,
    inner: {
      async read(_ref, key) {
        calls.push(`read ${key}`);
        await new Promise<void>((resolve) => held.push(resolve));
        return stored.get(key);
      },
      write(_ref, mutations, onResult) {
        calls.push(`write ${mutations.map(({ key }) => key).join(" ")}`);
        for (const { write, key, value } of mutations) {
          const seq = calls.length;
          if (value) stored.set(key, createEntry({ key, seq, time: 0, kind: "put", value }));
          onResult({ write, ok: true, seq, duplicate: false });
        }
      },
    },
  });
  const results: WriteResult[] = [];
  let number = 0;
  const mutation = (key: string, value: unknown): Mutation => {
    number += 1;
    return {
      write: number,
      key,
      value: bytes(value),
      origin: "o",
      ttlMs: 0,
      headers: undefined,
      expectedSeq: undefined,
    };
  };
  return {
    calls,
    reported,
    results,
    write: (...pairs: readonly (readonly [string, unknown])[]) =>
      writes.write(
        ref,
        pairs.map(([key, value]) => mutation(key, value)),
        (result) => results.push(result),
      ),
    /** Lets go of what waits, until nothing does. */
    async settle() {
      for (let idle = 0; idle < 3; idle += 1) {
        await new Promise(setImmediate);
        for (const resolve of held.splice(0)) resolve();
      }
    },
  };
}

describe("writes under rules", () => {
  it.each<[string, Rule]>([
    ["a function", allow("write", "project/*/docs/:key", ({ params }) => params.key !== "locked")],
    [
      "a file",
      parseRules({
        rules: [
          { allow: "write", path: "project/*/docs/:key", if: ["!=", "$params.key", "locked"] },
        ],
      })[0] as Rule,
    ],
  ])(
    "that %s decides by what they bring are written together, and nothing is read",
    async (_what, rule) => {
      const world = openWorld([rule]);
      world.write(["a", 1], ["locked", 1], ["b", 2]);
      expect(world.calls).toEqual(["write a b"]);
      await world.settle();
      expect(world.results.map(({ ok }) => ok)).toEqual([true, true, false]);
      expect(world.results.at(-1)).toMatchObject({ error: { kind: "forbidden" } });
    },
  );

  it("of one key keep their order, whether a rule looks at what is stored or not", async () => {
    const slow = allow("write", "project/*/docs/a", ({ value, prev }) =>
      value === "first" ? prev === undefined : true,
    );
    const world = openWorld([slow, allow("write", "project/*/docs/b")]);
    world.write(["a", "first"], ["a", "second"], ["b", 1]);
    expect(world.calls).toEqual(["write b"]);
    await world.settle();
    await world.settle();
    expect(world.calls.filter((call) => call === "write a")).toHaveLength(2);
    expect(world.results.map(({ write }) => write)).toEqual([3, 1, 2]);
  });

  it("are decided again with what is stored where a rule looks at it, which is no failure of the rule", async () => {
    const rule = allow("write", "project/*/docs/**", ({ prev }) => {
      const { owner } = prev as { owner: string };
      return owner === "alice";
    });
    const first = allow(
      "write",
      "project/*/docs/**",
      ({ value }) => Reflect.get(Object(value), "owner") === "alice",
    );
    const world = openWorld([first, rule]);
    world.write(["a", { owner: "alice" }]);
    await world.settle();
    world.write(["a", { owner: "bob" }]);
    await world.settle();
    expect(world.results.map(({ ok }) => ok)).toEqual([true, true]);
    expect(world.reported).toEqual([]);
  });

  it("that wait for a promise, or another key, are asked of whoever takes the time", async () => {
    let asked = 0;
    const world = openWorld([
      allow("write", "project/*/docs/**", async ({ get }) => {
        asked += 1;
        return (await get("locks", "k")) === undefined;
      }),
    ]);
    world.write(["a", 1]);
    world.write(["b", 1]);
    await world.settle();
    await world.settle();
    expect(world.results.map(({ ok }) => ok)).toEqual([true, true]);
    // Once at once, and once for each write.
    expect(asked).toBe(3);
  });

  it("that a rule throws at are denied, and it is reported once", async () => {
    const world = openWorld([
      allow("write", "project/*/docs/**", () => {
        throw new ConatError("internal", "broken");
      }),
    ]);
    world.write(["a", 1]);
    await world.settle();
    expect(world.results).toMatchObject([{ ok: false, error: { kind: "forbidden" } }]);
    expect(world.reported).toHaveLength(1);
  });
});

describe("a declared rule that looks only at who asks and which store it is", () => {
  const book = new RuleBook(
    parseRules({
      rules: [
        {
          allow: ["read", "write"],
          path: "project/:project/docs/**",
          if: ["==", "$identity.project_id", "$params.project"],
        },
        {
          allow: "read",
          path: "project/*/docs/:key",
          if: ["==", "$params.key", "$identity.account_id"],
        },
      ],
    }),
    () => undefined,
  );

  it("is answered once: who may see everything shares the store with everybody who may", () => {
    const backend = projectIdentity("p");
    expect(book.audienceOf(backend, ref).key).toBeUndefined();
    expect(book.allowsAllWrites(backend, ref)).toBe(true);
  });

  it("opens nothing for whom it does not hold", () => {
    expect(book.allowsAllWrites(alice, ref)).toBe(false);
    const audience = book.audienceOf(alice, ref);
    const seen = ["alice", "bob"].map((key) =>
      audience.canRead(createEntry({ key, seq: 1, time: 0, kind: "put", value: bytes(1) })),
    );
    expect(seen).toEqual([true, false]);
  });
});
