import { expect, it } from "vitest";
import { slope } from "./slope.ts";

it("is that of the line that fits best", () => {
  const line = [10, 20, 40].map((at) => ({ at, value: 3 * at + 7 }));
  expect(slope(line)).toBeCloseTo(3);
  const bumpy = line.map(({ at, value }, index) => ({ at, value: value + (index % 2) }));
  expect(slope(bumpy)).toBeCloseTo(3, 1);
});

it("of something that stays, or was looked at once, is 0", () => {
  expect(
    slope([
      { at: 1, value: 5 },
      { at: 2, value: 5 },
    ]),
  ).toBe(0);
  expect(slope([{ at: 1, value: 5 }])).toBe(0);
});
