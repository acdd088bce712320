import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decodeBlock, encodeBlock } from "./block.ts";
import { createEntry, ENTRY_KINDS, type Entry, valueBytes } from "./entry.ts";

const text = fc.string({ unit: "grapheme", maxLength: 150 });
const entry = fc.record({
  key: text,
  seq: fc.maxSafeInteger().map((seq) => Math.floor(Math.abs(seq) / 4)),
  time: fc.nat({ max: 2_000_000_000_000 }),
  kind: fc.constantFrom(...ENTRY_KINDS),
  origin: fc.constantFrom("", "a", "b", "ü", "c".repeat(200)),
  write: fc.nat(),
  value: fc.uint8Array({ maxLength: 300 }),
  ttlMs: fc.nat(),
  headers: fc.option(fc.dictionary(text, text, { maxKeys: 3 }), { nil: undefined }),
});

function shown(one: Entry): object {
  const { key, seq, time, kind, ttlMs } = one;
  // Without an origin a number says nothing, and does not travel.
  const write = one.origin === "" ? 0 : one.write;
  const headers = one.headers && Object.entries(one.headers);
  const value = [...valueBytes(one)];
  return { key, seq, time, kind, ttlMs, origin: one.origin, write, headers, value };
}

describe("a block", () => {
  it("gives back the entries that it was made of, whatever was encoded before", () => {
    fc.assert(
      fc.property(fc.array(entry, { maxLength: 12 }), (fields) => {
        const entries = fields.map(createEntry);
        expect(decodeBlock(encodeBlock(entries)).map(shown)).toEqual(entries.map(shown));
      }),
      { numRuns: 300 },
    );
  });

  it("has the bytes of its layout", () => {
    const value = Uint8Array.of(1, 2, 3);
    const one = createEntry({ key: "k", seq: 300, time: 5, origin: "me", write: 7, value });
    const other = createEntry({ key: "é", seq: 299, time: 5, kind: "delete", ttlMs: 128 });
    expect([...encodeBlock([one, other])]).toEqual([
      ...[2, 1, 2, 0x6d, 0x65],
      ...[8, 1, 0xd8, 0x04, 10, 3, 0, 7],
      ...[16 | 1, 1, 1, 0, 0, 0x80, 1],
      ...[3, 0x6b, 0xc3, 0xa9],
      ...[1, 2, 3],
    ]);
  });

  it("names an origin by its characters, also where others have the same numbers as its bytes", () => {
    const origins = ["Ã©", "é", "a", "Ã©"];
    const read = origins.map((origin) => {
      const [entry] = decodeBlock(
        encodeBlock([createEntry({ key: "k", seq: 1, time: 1, origin })]),
      );
      return entry?.origin;
    });
    expect(read).toEqual(origins);
  });

  it("stays as it was when a further one is encoded", () => {
    const first = encodeBlock([createEntry({ key: "first", seq: 1, time: 1 })]);
    const before = [...first];
    encodeBlock([createEntry({ key: "x", seq: 9, time: 9, value: new Uint8Array(300_000) })]);
    encodeBlock([createEntry({ key: "second", seq: 2, time: 2 })]);
    expect([...first]).toEqual(before);
  });

  it("is refused when it is cut short, has more than it says, or has headers that are none", () => {
    const headers = { a: "b" };
    const bytes = encodeBlock([createEntry({ key: "k", seq: 1, time: 1, origin: "me", headers })]);
    const refusal = expect.objectContaining({ kind: "bad-request" });
    for (let end = 0; end < bytes.length; end += 1) {
      expect(() => decodeBlock(bytes.subarray(0, end))).toThrow(refusal);
    }
    expect(() => decodeBlock(Uint8Array.of(...bytes, 0))).toThrow(refusal);
    const brace = bytes.indexOf(0x7b);
    expect(() => decodeBlock(bytes.with(brace, 0x21))).toThrow(refusal);
  });
});
