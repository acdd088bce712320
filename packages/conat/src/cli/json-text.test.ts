import { expect, it } from "vitest";
import { toJsonText } from "./json-text.ts";

it("prints JSON as JSON, on one line, whatever a key is called", () => {
  const value = JSON.parse('{"b":[1,null,"a\\nb"],"a":{},"__proto__":{"toString":1}}');
  expect(toJsonText(value)).toBe('{"b":[1,null,"a\\nb"],"a":{},"__proto__":{"toString":1}}');
});

it("names what JSON cannot carry, wherever it is", () => {
  const value = {
    when: new Date(0),
    never: new Date(Number.NaN),
    raw: [new Uint8Array([1, 2]), new Uint16Array([1]), new ArrayBuffer(1)],
    large: 10n ** 20n,
    numbers: [Number.NaN, -Infinity, -0, 1.5],
    map: new Map<unknown, unknown>([["k", new Set([1n])]]),
  };
  expect(JSON.parse(toJsonText(value))).toEqual({
    when: { $date: "1970-01-01T00:00:00.000Z" },
    never: { $date: null },
    raw: [{ $bytes: "AQI=" }, { $bytes: "AQA=" }, { $bytes: "AA==" }],
    large: { $bigint: "100000000000000000000" },
    numbers: [{ $number: "NaN" }, { $number: "-Infinity" }, { $number: "-0" }, 1.5],
    map: { $map: [["k", { $set: [{ $bigint: "1" }] }]] },
  });
});
