import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createEntry, type Entry } from "../protocol/entry.ts";
import type { StoreRef } from "../protocol/scope.ts";
import {
  formatEnd,
  formatEntry,
  formatStart,
  parseEnd,
  parseEntry,
  parseStart,
} from "./backup-line.ts";
import { Contents } from "./contents.ts";

const store: StoreRef = {
  scope: { kind: "project", id: "p" },
  name: "s",
  ephemeral: false,
  service: "",
};

function line(fields: Partial<Entry> & { key: string }, value?: Uint8Array): string {
  const entry = createEntry({ seq: 1, time: 5, ...fields, ...(value ? { value } : {}) });
  return formatEntry({ store, entry });
}

describe("a line of a backup", () => {
  it("brings back every key, value, lifetime and header", () => {
    fc.assert(
      fc.property(
        fc.string({ unit: "grapheme" }),
        fc.uint8Array(),
        fc.nat(),
        fc.dictionary(fc.string(), fc.string()),
        (key, value, ttlMs, headers) => {
          const back = parseEntry(line({ key, ttlMs, headers }, value));
          expect(back).toEqual({ store, key, value, time: 5, ttlMs, headers: { ...headers } });
        },
      ),
    );
  });

  it("shows JSON values as they are, so that other programs can read them", () => {
    const value = new TextEncoder().encode('{"title":"Milk"}');
    expect(JSON.parse(line({ key: "k" }, value))).toMatchObject({
      scope: "project",
      id: "p",
      store: "s",
      key: "k",
      value: '{"title":"Milk"}',
    });
  });

  it("is refused by name when it is something else", () => {
    for (const text of ["", "{}", '{"scope":"planet"}', "nonsense"]) {
      expect(() => parseEntry(text)).toThrow(/the backup is damaged/);
      expect(() => parseStart(text)).toThrow(/this is no backup/);
    }
    expect(parseStart(formatStart(7, 3))).toMatchObject({ time: 7, partitions: 3 });
    expect(parseEnd(formatEnd(9))).toBe(9);
    expect(parseEnd(line({ key: "k" }))).toBeUndefined();
  });
});

it("of a key the last line counts, a removal as well, and that of a whole store", () => {
  const contents = new Contents();
  const value = new Uint8Array([49]);
  const keys = (): unknown[] => Array.from(contents, ({ key }) => key);
  for (const key of ["a", "b", "c"]) contents.apply(parseEntry(line({ key }, value)));
  contents.apply(parseEntry(line({ key: "b", kind: "delete" })));
  expect(keys()).toEqual(["a", "c"]);
  contents.apply(parseEntry(line({ key: "", kind: "floor" })));
  expect(keys()).toEqual([]);
  contents.apply(parseEntry(line({ key: "d" }, value)));
  expect(keys()).toEqual(["d"]);
});
