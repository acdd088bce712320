import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { mergeCounter, mergeJson, mergeMax, mergeMin, mergeSet, mergeText } from "./index.ts";

const key = "k";

describe("mergeCounter, mergeMax, mergeMin", () => {
  it("add up both sides' increments, and keep the larger or the smaller", () => {
    expect(mergeCounter({ key, prev: 10, local: 13, remote: 9 })).toBe(12);
    expect(mergeCounter({ key, prev: undefined, local: 1, remote: 2 })).toBe(3);
    expect(mergeMax({ key, prev: 1, local: 2, remote: 3 })).toBe(3);
    expect(mergeMin({ key, prev: 1, local: 2, remote: 3 })).toBe(2);
    expect(mergeMax({ key, prev: 1, local: 2, remote: undefined })).toBe(2);
  });
});

describe("mergeSet", () => {
  it("keeps what either side added, without what either side removed", () => {
    const merged = mergeSet({
      key,
      prev: ["a", "b", "c"],
      local: ["b", "c", "x"],
      remote: ["a", "b", "y"],
    });
    expect(merged).toEqual(["b", "y", "x"]);
  });

  it("knows members by their value and keeps the kind of collection", () => {
    const merged = mergeSet<Set<unknown>>({
      key,
      prev: new Set([{ id: 1 }]),
      local: new Set([{ id: 1 }, { id: 2 }]),
      remote: new Set([{ id: 1 }, { id: 2 }, { id: 3 }]),
    });
    expect(merged).toEqual(new Set([{ id: 1 }, { id: 2 }, { id: 3 }]));
  });
});

describe("mergeText", () => {
  it("merges edits of different lines, and keeps both where they touch the same one", () => {
    const prev = "one\ntwo\nthree\n";
    expect(mergeText({ key, prev, local: "ONE\ntwo\nthree\n", remote: "one\ntwo\nTHREE\n" })).toBe(
      "ONE\ntwo\nTHREE\n",
    );
    expect(mergeText({ key, prev: "a\n", local: "local\n", remote: "remote\n" })).toBe(
      "remote\nlocal\n",
    );
    expect(mergeText({ key, prev: "a", local: "a", remote: undefined })).toBeUndefined();
    expect(mergeText({ key, prev: "a", local: "b", remote: undefined })).toBe("b");
  });
});

describe("a merge of long sequences", () => {
  // Without a bound each of these takes hours.
  it("of ten thousand equal lines or members ends, with what both sides added", () => {
    const prev = "\n".repeat(10_000);
    expect(mergeText({ key, prev, local: `a\n${prev}`, remote: `${prev}b\n` })).toBe(
      `a\n${prev}b\n`,
    );
    const zeros = Array.from({ length: 10_000 }, () => 0);
    expect(
      mergeJson({ key, prev: zeros, local: zeros.with(7, 1), remote: zeros.with(-7, 2) }),
    ).toEqual(zeros.with(7, 1).with(-7, 2));
  });

  it("finds edits between lines that are the same on all sides, and keeps both where they meet", () => {
    const lines = Array.from({ length: 20_000 }, (_, at) => (at % 3 === 0 ? `${at}\n` : "\n"));
    const local = lines.with(30, "mine\n").with(9_999, "my version\n");
    const remote = lines.with(18_000, "theirs\n").with(9_999, "their version\n");
    const merged = mergeText({
      key,
      prev: lines.join(""),
      local: local.join(""),
      remote: remote.join(""),
    });
    const both = lines.with(30, "mine\n").with(18_000, "theirs\n");
    expect(merged).toBe(both.toSpliced(9_999, 1, "their version\n", "my version\n").join(""));
  });

  it("keeps everything that both have written where nothing is the same", () => {
    const lines = (name: string): string =>
      Array.from({ length: 6_000 }, (_, at) => `${name} ${at % 50}\n`).join("");
    const [prev, local, remote] = [lines("old"), lines("mine"), lines("theirs")];
    expect(mergeText({ key, prev, local, remote })).toBe(remote + local);
  });
});

describe("mergeJson", () => {
  it("merges fields of nested objects, with removals", () => {
    const prev = { title: "t", meta: { a: 1, b: 2, gone: 0 }, keep: true };
    const local = { title: "mine", meta: { a: 1, b: 3 }, keep: true };
    const remote = { title: "t", meta: { a: 9, b: 2, gone: 0, c: 4 }, keep: true };
    expect(mergeJson<unknown>({ key, prev, local, remote })).toEqual({
      title: "mine",
      meta: { a: 9, b: 3, c: 4 },
      keep: true,
    });
  });

  it("merges arrays as sequences", () => {
    const merged = mergeJson({ key, prev: [1, 2, 3], local: [0, 1, 2, 3], remote: [1, 3, 4] });
    expect(merged).toEqual([0, 1, 3, 4]);
    const names = ["constructor", "__proto__", "toString"];
    expect(
      mergeJson({ key, prev: names, local: ["a", ...names], remote: [...names, "b"] }),
    ).toEqual(["a", ...names, "b"]);
  });

  it("merges what both have edited inside a member of an array, and edits of neighbours", () => {
    const prev = [{ id: 1 }, { id: 2, title: "t", done: false }, [1, 2]];
    const local = [{ id: 1 }, { id: 2, title: "mine", done: false }, [9, 2]];
    const remote = [{ id: 1, seen: true }, { id: 2, title: "t", done: true }, [1, 8]];
    expect(mergeJson<unknown>({ key, prev, local, remote })).toEqual([
      { id: 1, seen: true },
      { id: 2, title: "mine", done: true },
      [9, 8],
    ]);
    expect(
      mergeJson({ key, prev: [0, 0, 0, 0], local: [1, 0, 0, 0], remote: [0, 0, 2, 0] }),
    ).toEqual([1, 0, 2, 0]);
    expect(mergeJson({ key, prev: ["a"], local: ["mine"], remote: ["theirs"] })).toEqual([
      "theirs",
      "mine",
    ]);
  });

  it("treats names such as __proto__ and toString as fields", () => {
    const prev = JSON.parse('{"__proto__":{"a":1}}');
    const local = JSON.parse('{"__proto__":{"a":2},"toString":1}');
    const remote = JSON.parse('{"__proto__":{"a":1,"b":1}}');
    const merged = mergeJson<object>({ key, prev, local, remote });
    expect(JSON.stringify(merged)).toBe('{"__proto__":{"a":2,"b":1},"toString":1}');
  });

  it("is the other side's value wherever one side changed nothing", () => {
    const { json } = fc.letrec((tie) => ({
      json: fc.oneof(
        { maxDepth: 3 },
        fc.constantFrom(null, true, 1, "x"),
        fc.array(tie("json"), { maxLength: 3 }),
        fc.dictionary(fc.constantFrom("a", "b", "c"), tie("json"), { noNullPrototype: true }),
      ),
    }));
    fc.assert(
      fc.property(json, json, (prev, changed) => {
        expect(mergeJson({ key, prev, local: changed, remote: prev })).toEqual(changed);
        expect(mergeJson({ key, prev, local: prev, remote: changed })).toEqual(changed);
        expect(mergeJson({ key, prev, local: changed, remote: changed })).toEqual(changed);
      }),
    );
  });
});
