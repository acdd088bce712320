import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { compareOrder, orderKeyBetween } from "../examples/workspace/src/model/order-key.ts";

/** Chance that is the same in every run. */
function seededRandom(): () => number {
  let state = 7;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

describe("the order of cards", () => {
  it("has room between any two neighbours, whatever was moved before", () => {
    const moves = fc.array(fc.tuple(fc.nat(), fc.double({ min: 0, max: 0.999, noNaN: true })), {
      maxLength: 300,
    });
    fc.assert(
      fc.property(moves, (list) => {
        const keys: string[] = [];
        for (const [where, chance] of list) {
          const index = where % (keys.length + 1);
          const key = orderKeyBetween(keys[index - 1], keys[index], () => chance);
          keys.splice(index, 0, key);
        }
        expect(keys).toEqual([...new Set(keys)].sort());
      }),
      { numRuns: 50 },
    );
  });

  it("has room in the same gap for a thousand cards, in keys that stay short where lists grow", () => {
    const random = seededRandom();
    const keys = [orderKeyBetween(undefined, undefined, random)];
    for (let count = 0; count < 1_000; count += 1) {
      keys.push(orderKeyBetween(keys.at(-1), undefined, random));
      keys.unshift(orderKeyBetween(undefined, keys[0], random));
    }
    expect(keys).toEqual([...new Set(keys)].sort());
    expect(Math.max(...keys.map((key) => key.length))).toBeLessThan(50);
    let low = keys[0];
    for (let count = 0; count < 1_000; count += 1) {
      const key = orderKeyBetween(low, keys[1], random);
      expect([low, key, keys[1]]).toEqual([low, key, keys[1]].sort());
      low = key;
    }
  });

  it("gives two people who move cards into one gap at the same time places of their own", () => {
    const random = seededRandom();
    const places = Array.from({ length: 100 }, () => orderKeyBetween("B", "C", random));
    expect(new Set(places).size).toBe(100);
  });

  it("is the same for everybody where two keys are equal all the same", () => {
    const cards = [
      { id: "b", order: "X" },
      { id: "a", order: "X" },
      { id: "c", order: "A" },
    ];
    expect(cards.sort(compareOrder).map(({ id }) => id)).toEqual(["c", "a", "b"]);
  });

  it("takes keys that it has not made, or that stand in the wrong order, for the end of the list", () => {
    expect(orderKeyBetween("A0", "é") > "").toBe(true);
    expect(orderKeyBetween("M", "C") > "M").toBe(true);
    expect(orderKeyBetween("M", "M") > "M").toBe(true);
  });
});
