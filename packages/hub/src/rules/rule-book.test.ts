import { createEntry, type StoreRef } from "@conat/conat/internal";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { encodeValue } from "../../../conat/src/protocol/value-codec.ts";
import { accountIdentity, hubIdentity, type Identity } from "../scope/identity.ts";
import { parseRules } from "./declared-rules.ts";
import { parsePattern } from "./pattern.ts";
import { allow, type Rule } from "./rule.ts";
import { RuleBook } from "./rule-book.ts";

const alice = accountIdentity("alice", { p: "editor" }, new Map([["username", "al"]]));
const bob = accountIdentity("bob", { p: "viewer" });

function store(name: string, project = "p"): StoreRef {
  return { scope: { kind: "project", id: project }, name, ephemeral: false, service: "" };
}

function entry(key: string, value: unknown = 1) {
  return createEntry({ key, seq: 1, time: 0, value: encodeValue(value) });
}

function bookOf(rules: readonly Rule[], errors: unknown[] = []): RuleBook {
  return new RuleBook(rules, (error) => errors.push(error));
}

async function mayWrite(
  book: RuleBook,
  who: Identity,
  ref: StoreRef,
  key: string,
  value: unknown,
  prev?: unknown,
  others: Record<string, unknown> = {},
) {
  return book.decideWrite(who, ref, {
    key,
    value: value === undefined ? undefined : encodeValue(value),
    prev: prev === undefined ? undefined : entry(key, prev),
    get: async (name, other) => others[`${name}/${other}`],
  });
}

describe("a path", () => {
  const fields = new Map([["account_id", "alice"]]);
  const matches = (path: string, ref: StoreRef, key: string): unknown => {
    const pattern = parsePattern(path);
    const params = pattern.bindStore(ref, (name) => fields.get(name));
    const all = params && pattern.bindKey(key, params, (name) => fields.get(name));
    return all && { ...all };
  };

  it.each<[string, string, string, unknown]>([
    ["project/*/settings/:account_id", "settings", "alice", { account_id: "alice" }],
    ["project/:project/settings/:key", "settings", "k", { project: "p", key: "k" }],
    ["project/*/settings/$account_id", "settings", "alice", {}],
    ["project/*/settings/$account_id", "settings", "bob", undefined],
    ["project/*/settings/$nothing", "settings", "undefined", undefined],
    ["project/p/settings/**", "settings", "", {}],
    ["project/p/settings/a/**", "settings", "a/b/c", {}],
    ["project/p/settings/a/**", "settings", "b/a", undefined],
    ["project/p/settings/*", "settings", "a/b", undefined],
    ["project/p/settings/a/:x", "settings", "a", undefined],
    ["project/p/settings/a/:x", "settings", "a/", { x: "" }],
    ["project/p/settings/a/:x", "settings", "a/b/", undefined],
    ["project/p/settings/a/b/**", "settings", "a/b", {}],
    ["project/p/settings/a/b/**", "settings", "a", undefined],
    ["project/:x/settings/:y/:z", "settings", "a/b", { x: "p", y: "a", z: "b" }],
    ["project/p/settings/:x/:x", "settings", "a/a", { x: "a" }],
    ["project/p/settings/:x/:x", "settings", "a/b", undefined],
    ["project/p/with%2Fslash/**", "with/slash", "k", {}],
    ["project/q/settings/**", "settings", "k", undefined],
    ["account/p/settings/**", "settings", "k", undefined],
    ["project/p/__proto__/constructor", "__proto__", "constructor", {}],
  ])("%s, store %s, key %s: %j", (path, name, key, params) => {
    expect(matches(path, store(name), key)).toEqual(params);
  });

  it.each([
    "",
    "project",
    "project/p",
    "project/p/s",
    "galaxy/x/y/z",
    "project/p/s*/k",
    "project/p/s/:",
    "project/p/s/$a-b",
    "project/p/s/%",
    "project/**/s/k",
  ])("%j is refused", (path) => expect(() => parsePattern(path)).toThrow(/path/));

  it("without variables matches itself, whatever the names, and nothing else", () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), fc.string(), (name, key, other) => {
        const path = ["project", "p", name, key].map(encodeURIComponent).join("/");
        const sameKeyShape = key.includes("/") ? undefined : {};
        // A slash in a key separates parts of its pattern, too.
        if (sameKeyShape && !/^[:$*]/.test(name) && !/^[:$*]/.test(key)) {
          const escaped = path.replaceAll("*", "%2A");
          expect(matches(escaped, store(name), key)).toEqual({});
          if (other !== key) expect(matches(escaped, store(name), other)).toBeUndefined();
        }
      }),
    );
  });
});

describe("a store that rules name", () => {
  const book = bookOf([
    allow("read", "project/*/settings/$account_id"),
    allow("write", "project/*/drop/**"),
    allow(["read", "write"], "project/*/open/**"),
  ]);

  it("can be read only where a rule allows it: writing does not imply reading, nor the reverse", async () => {
    expect(() => book.audienceOf(alice, store("drop"))).toThrow(/may not read/);
    expect(book.allowsAllWrites(alice, store("drop"))).toBe(true);
    expect(await mayWrite(book, alice, store("settings"), "alice", 1)).toMatchObject({
      isAllowed: false,
    });
    const audience = book.audienceOf(alice, store("settings"));
    expect(audience.canRead(entry("alice"))).toBe(true);
    expect(audience.canRead(entry("bob"))).toBe(false);
  });

  it("is as it was for trusted backends, and so are other stores for everybody", () => {
    expect(book.audienceOf(hubIdentity(), store("drop")).key).toBeUndefined();
    expect(book.audienceOf(alice, store("other")).key).toBeUndefined();
    expect(book.allowsAllWrites(alice, store("other"))).toBe(true);
  });

  it("is the same feed for those who see the same, and only for them", () => {
    expect(book.audienceOf(alice, store("open")).key).toBeUndefined();
    const keyOf = (who: Identity, rules: readonly Rule[]) =>
      bookOf(rules).audienceOf(who, store("s")).key;
    const byRole = [
      allow("read", "project/*/s/**", ({ identity }) => identity.role === "viewer", {
        fields: ["role"],
      }),
    ];
    const shared = bookOf(byRole);
    const carol = accountIdentity("carol", { p: "viewer" });
    expect(shared.audienceOf(bob, store("s")).key).toBe(shared.audienceOf(carol, store("s")).key);
    expect(shared.audienceOf(bob, store("s")).key).not.toBe(
      shared.audienceOf(alice, store("s")).key,
    );
    expect(keyOf(bob, byRole)).not.toBe(keyOf(bob, byRole));
    const anything = bookOf([allow("read", "project/*/s/**", () => true)]);
    expect(anything.audienceOf(bob, store("s")).key).not.toBe(
      anything.audienceOf(carol, store("s")).key,
    );
  });
});

describe("a rule that fails", () => {
  it.each<[string, Rule]>([
    [
      "throws",
      allow(["read", "write"], "project/*/s/**", () => {
        throw new Error("oh");
      }),
    ],
    [
      "rejects",
      allow("write", "project/*/s/**", async () => {
        throw new Error("oh");
      }),
    ],
    ["is a promise for reading", allow("read", "project/*/s/**", async () => true)],
    [
      "reads another key for reading",
      allow("read", "project/*/s/**", ({ get }) => get("a", "b") !== undefined),
    ],
    [
      "copies what it is shown",
      allow(["read", "write"], "project/*/s/**", (context) => {
        const copy = { ...context };
        return copy.value === undefined;
      }),
    ],
    [
      "copies a part of what it is shown",
      allow(["read", "write"], "project/*/s/**", ({ key, ...rest }) => rest.value === undefined),
    ],
    [
      "changes what it is shown",
      allow(["read", "write"], "project/:project/s/**", ({ params }) => {
        Object.assign(params, { project: "q" });
        return true;
      }),
    ],
  ])("and %s denies and is reported", async (_what, rule) => {
    const errors: unknown[] = [];
    const book = bookOf([rule], errors);
    if (rule.access.includes("read"))
      expect(book.audienceOf(alice, store("s")).canRead(entry("k"))).toBe(false);
    if (rule.access.includes("write")) {
      expect(await mayWrite(book, alice, store("s"), "k", 1)).toMatchObject({ isAllowed: false });
    }
    expect(errors.length).toBeGreaterThan(0);
  });

  it.each([
    ["no text", [0xff]],
    ["nothing", []],
    ["a part of a value", [0x7b]],
  ])("and lets keys be removed does not take %s for a removal", async (_what, bytes) => {
    const errors: unknown[] = [];
    const book = bookOf(
      [allow("write", "project/*/s/**", ({ value }) => value === undefined)],
      errors,
    );
    const facts = { key: "k", prev: undefined, get: async () => undefined };
    const value = new Uint8Array(bytes);
    expect(book.judgeOf(alice, store("s"))("k", value)).toBe(false);
    expect(await book.decideWrite(alice, store("s"), { ...facts, value })).toMatchObject({
      isAllowed: false,
    });
    expect(errors).toHaveLength(2);
    expect(book.judgeOf(alice, store("s"))("k", undefined)).toBe(true);
  });

  it("and answers something other than true denies", async () => {
    const truthy = (() => "yes") as unknown as () => boolean;
    const book = bookOf([allow("write", "project/*/s/**", truthy)]);
    expect(await mayWrite(book, alice, store("s"), "k", 1)).toMatchObject({ isAllowed: false });
  });
});

describe("the same rules, as functions and as a file", () => {
  const functions = [
    allow(
      "read",
      "project/*/docs/**",
      ({ value, identity }) => {
        const doc = value as { owner?: string; public?: boolean } | undefined;
        return (
          doc?.public === true || (doc?.owner !== undefined && doc.owner === identity.account_id)
        );
      },
      { fields: ["account_id"] },
    ),
    allow("write", "project/*/docs/:id", async ({ value, prev, identity, get, params }) => {
      const next = value as { owner?: string; version?: number } | undefined;
      const old = prev as { owner?: string; version?: number } | undefined;
      if ((await get("locks", params.id ?? "")) === true) return false;
      if (old === undefined) return next?.owner === identity.account_id;
      return old.owner === identity.account_id && (next?.version ?? 0) > (old.version ?? 0);
    }),
  ];
  const file = parseRules({
    rules: [
      {
        allow: "read",
        path: "project/*/docs/**",
        if: ["or", ["==", "$value.public", true], ["==", "$value.owner", "$identity.account_id"]],
      },
      {
        allow: "write",
        path: "project/*/docs/:id",
        if: [
          "and",
          ["not", ["==", ["get", "locks", "$params.id"], true]],
          [
            "or",
            ["and", ["not", ["exists", "$prev"]], ["==", "$value.owner", "$identity.account_id"]],
            [
              "and",
              ["==", "$prev.owner", "$identity.account_id"],
              [">", "$value.version", "$prev.version"],
            ],
          ],
        ],
      },
    ],
  });
  const books = [bookOf(functions), bookOf(file)];
  const owner = fc.constantFrom("alice", "bob", undefined);
  const doc = fc.record({ owner, public: fc.constantFrom(true, false), version: fc.nat(3) });

  it("decide the same of every read", () => {
    fc.assert(
      fc.property(doc, fc.constantFrom(alice, bob), (value, who) => {
        const [one, two] = books.map((book) =>
          book.audienceOf(who, store("docs")).canRead(entry("d", value)),
        );
        expect(two).toBe(one);
        expect(one).toBe(value.public || value.owner === (who === alice ? "alice" : "bob"));
      }),
    );
  });

  it("decide the same of every write, on what was there before", async () => {
    const prev = fc.option(doc, { nil: undefined });
    await fc.assert(
      fc.asyncProperty(
        doc,
        prev,
        fc.constantFrom(alice, bob),
        fc.boolean(),
        async (value, old, who, locked) => {
          const others = { "locks/d": locked };
          const [one, two] = await Promise.all(
            books.map((book) => mayWrite(book, who, store("docs"), "d", value, old, others)),
          );
          expect(two?.isAllowed).toBe(one?.isAllowed);
          if (one?.isAllowed) expect(two?.dependsOnPrev && one.dependsOnPrev).toBe(true);
        },
      ),
    );
  });

  it("let nothing missing equal something else that is missing", async () => {
    const rules = parseRules({
      rules: [
        { allow: "write", path: "project/*/s/**", if: ["==", "$value.a", "$identity.nothing"] },
      ],
    });
    expect(await mayWrite(bookOf(rules), alice, store("s"), "k", {})).toMatchObject({
      isAllowed: false,
    });
  });

  it.each([
    [[], /rules/],
    [{ rules: [{ allow: "admin", path: "project/*/s/**" }] }, /allow/],
    [{ rules: [{ allow: "read", path: "nowhere" }] }, /path/],
    [{ rules: [{ allow: "read", path: "project/*/s/**", when: true }] }, /when/],
    [
      { rules: [{ allow: "read", path: "project/*/s/**", if: ["eval", "1"] }] },
      /"eval" is no operator/,
    ],
    [
      { rules: [{ allow: "read", path: "project/*/s/**", if: ["constructor", "1"] }] },
      /no operator/,
    ],
    [
      { rules: [{ allow: "read", path: "project/*/s/**", if: ["==", "$who", 1] }] },
      /refers to nothing/,
    ],
    [{ rules: [{ allow: "read", path: "project/*/s/**", if: ["==", 1] }] }, /does not take 1/],
  ])("%j is refused", (source, message) => {
    expect(() => parseRules(source)).toThrow(message);
  });
});
