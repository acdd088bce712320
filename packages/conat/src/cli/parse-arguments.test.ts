import { expect, it } from "vitest";
import { parseDurationMs, parseIds, parseSequence } from "./parse-arguments.ts";

it.each([
  ["5", 5_000],
  ["1500ms", 1_500],
  ["90s", 90_000],
  ["1.5h", 5_400_000],
  ["30d", 2_592_000_000],
])("%s lasts %d ms", (text, durationMs) => {
  expect(parseDurationMs(text)).toBe(durationMs);
});

it.each(["", "0", "-5", "5 s", "1e3", "five", "5w", "9999999999999d"])(
  "%j is no duration",
  (text) => {
    expect(() => parseDurationMs(text)).toThrow("Write a duration");
  },
);

it("a sequence is a whole number", () => {
  expect(parseSequence("0")).toBe(0);
  expect(parseSequence("42")).toBe(42);
  for (const text of ["", "-1", "1.5", "x", "99999999999999999999"]) {
    expect(() => parseSequence(text)).toThrow("Write a sequence");
  }
});

it("ids come with commas", () => {
  expect(parseIds("a, b")).toEqual(["a", "b"]);
  expect(() => parseIds("a,,b")).toThrow("with commas");
});
