import { decode, ExtData, ExtensionCodec, encode } from "@msgpack/msgpack";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Extension, pack, unpack } from "./msgpack.ts";

const LENGTHS = [0, 1, 15, 16, 31, 32, 33, 64, 65, 255, 256, 1_024, 1_025, 65_535, 65_536, 70_000];

const number = fc.oneof(
  fc.maxSafeInteger(),
  fc.integer(),
  fc.integer({ min: -40_000, max: 70_000 }),
  fc.integer({ min: -200, max: 300 }),
  fc.double(),
  fc.constantFrom(2 ** 32 - 1, 2 ** 32, -(2 ** 31), -(2 ** 31) - 1, 2 ** 53 - 1, -(2 ** 53) + 1),
);
const text = fc.string({ unit: "binary", maxLength: 80 });
const name = text.filter((one) => one !== "__proto__");
const bytes = fc.uint8Array({ maxLength: 300 });
const value = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 5 },
    fc.constantFrom(null, true, false),
    number,
    text,
    bytes,
    fc.array(tie("value"), { maxLength: 20 }),
    fc.dictionary(name, tie("value"), { maxKeys: 20 }),
  ),
})).value;

const isDeep = { maxDepth: 10_000 };

/** Lists in lists. */
function nested(depth: number): unknown {
  let list: unknown = [];
  for (let level = 0; level < depth; level += 1) list = [list];
  return list;
}

describe("packing", () => {
  it("leaves what it has packed as it is, whatever it packs next", () => {
    const values = Array.from({ length: 500 }, (_, at) => ({ at, text: "x".repeat(at * 3) }));
    const packed = values.map((one) => pack(one));
    expect(packed.map((one) => unpack(one))).toEqual(values);
  });

  it("gives the same bytes as the library, and the value back", () => {
    fc.assert(
      fc.property(value, (one) => {
        const packed = pack(one);
        expect(packed).toEqual(encode(one));
        expect(unpack(packed)).toEqual(decode(packed));
      }),
      { numRuns: 500 },
    );
  });

  it("keeps nothing of what was packed before, or meanwhile, or could not be packed", () => {
    const first = pack("a".repeat(300_000));
    const second = pack({
      get inner() {
        return pack([1, 2, 3]);
      },
    });
    expect(() => pack(["begun", () => {}])).toThrow(TypeError);
    expect(pack(7)).toEqual(encode(7));
    expect(first).toEqual(encode("a".repeat(300_000)));
    expect(second).toEqual(encode({ inner: encode([1, 2, 3]) }));
  });

  it.each(LENGTHS)("gives the same bytes as the library at %i of anything", (length) => {
    const many: unknown[] = [
      "a".repeat(length),
      "é".repeat(length),
      new Uint8Array(length).fill(7),
      new Array(length).fill(0),
      Object.fromEntries(Array.from({ length }, (_, at) => [`k${at}`, at])),
    ];
    for (const one of many) {
      const packed = pack(one);
      expect(Buffer.compare(packed, encode(one))).toBe(0);
      expect(unpack(packed)).toEqual(one);
    }
    const data = new Uint8Array(length).fill(7);
    const extended = pack([new Extension(5, data)]);
    expect(Buffer.compare(extended, encode([new ExtData(5, data)]))).toBe(0);
    expect(unpack(extended, (type, part) => ({ type, length: part.length }))).toEqual([
      { type: 5, length },
    ]);
  });

  it("leaves out properties that are undefined, and makes null of it elsewhere", () => {
    expect(unpack(pack({ a: undefined, b: [undefined] }))).toEqual({ b: [null] });
  });

  it("keeps a byte order mark, at any length", () => {
    for (const one of ["\ufeff", `\ufeff${"x".repeat(100)}`]) expect(unpack(pack(one))).toBe(one);
  });

  it("makes a view of binary, not a copy", () => {
    const packed = pack(new Uint8Array([1, 2]));
    expect((unpack(packed) as Uint8Array).buffer).toBe(packed.buffer);
  });

  it.each([[1n], [() => 1], [Symbol("s")]])("refuses %s", (one) => {
    expect(() => pack(one)).toThrow(TypeError);
  });

  it("refuses what is nested too deeply, both ways", () => {
    expect(unpack(pack(nested(900)))).toEqual(nested(900));
    expect(() => pack(nested(2_000))).toThrow(RangeError);
    expect(() => unpack(encode(nested(2_000), isDeep))).toThrow(RangeError);
    expect(() => unpack(new Uint8Array(500_000).fill(0x91))).toThrow(RangeError);
  });
});

describe("unpacking bytes of anybody", () => {
  it("reads what the library reads, in every encoding, or throws", () => {
    const attempt = (read: () => unknown): unknown => {
      try {
        return { value: read() };
      } catch {
        return "threw";
      }
    };
    // Codes are more frequent than in bytes at random, so that more of them mean something.
    const code = fc.integer({ min: 0x80, max: 0xff });
    const small = fc.integer({ min: 0, max: 5 });
    const wild = fc.array(fc.oneof(code, small, fc.integer({ min: 0, max: 255 })), {
      maxLength: 40,
    });
    fc.assert(
      fc.property(wild, (numbers) => {
        const input = Uint8Array.from(numbers);
        const ours = attempt(() => unpack(input, (type, data) => new ExtData(type, data)));
        // What is no UTF-8 the library reads as other characters, not always as U+FFFD.
        fc.pre(!JSON.stringify(ours).includes("\ufffd"));
        const theirs = attempt(() => decode(input, { extensionCodec: PLAIN }));
        expect(ours).toEqual(theirs);
      }),
      { numRuns: 5_000 },
    );
  });

  it.each([
    ["nothing", []],
    ["more than one value", [1, 1]],
    ["a list that is longer than its bytes", [0xdd, 0xff, 0xff, 0xff, 0xff, 1]],
    ["a text that is longer than its bytes", [0xdb, 0xff, 0xff, 0xff, 0xff, 1]],
    ["an extension that nobody expects", [0xd4, 1, 1]],
    ["0xc1", [0xc1]],
    ["the name __proto__", [0x81, 0xa9, ...Buffer.from("__proto__"), 0x80]],
    ["a name that is a list", [0x81, 0x90, 0x80]],
  ])("throws for %s", (_what, input) => {
    expect(() => unpack(Uint8Array.from(input))).toThrow();
  });
});

/** Hands on every extension as it is, those of the library too. */
const PLAIN = new (class extends ExtensionCodec {
  override decode(data: Uint8Array, type: number): ExtData {
    return new ExtData(type, data);
  }
})();
