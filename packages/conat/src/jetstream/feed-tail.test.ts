import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createEntry } from "../protocol/entry.ts";
import { FeedTail } from "./feed-tail.ts";

const told = (seq: number, time = seq) => createEntry({ key: "key", seq, time });

describe("what a feed's tail has told", () => {
  it("is known by its sequences, in whatever order and however often they were told", () => {
    const telling = fc.array(fc.array(fc.nat({ max: 50 })));
    fc.assert(
      fc.property(telling, fc.nat({ max: 50 }), (batches, upTo) => {
        const tail = new FeedTail();
        const known = new Set<number>();
        for (const seqs of batches) {
          tail.add(seqs.map((seq) => told(seq)));
          for (const seq of seqs) known.add(seq);
        }
        tail.dropUpTo(upTo);
        for (let seq = 0; seq <= 51; seq += 1) {
          expect(tail.has(seq)).toBe(known.has(seq) && seq > upTo);
        }
      }),
    );
  });

  it("tells what it lacks", () => {
    const tail = new FeedTail();
    tail.add([told(3), told(5)]);
    expect(tail.missing([3, 4, 5, 6].map((seq) => told(seq))).map(({ seq }) => seq)).toEqual([
      4, 6,
    ]);
  });

  it("shows that nothing is missing as long as one sequence follows the other", () => {
    const tail = new FeedTail();
    tail.add([2, 3, 4, 5, 7, 8].map((seq) => told(seq, seq * 100)));
    expect(tail.lastInRow(1)).toEqual({ seq: 5, time: 500 });
    expect(tail.lastInRow(3)).toEqual({ seq: 5, time: 500 });
    expect(tail.lastInRow(5)).toBeUndefined();
    expect(tail.lastInRow(6)).toEqual({ seq: 8, time: 800 });
    expect(tail.lastInRow(8)).toBeUndefined();
    expect(tail.lastInRow(0)).toBeUndefined();
  });

  it("tells another message with the same sequence from the same one told again", () => {
    const tail = new FeedTail();
    tail.add([told(3, 100)]);
    expect(tail.hasOther({ seq: 3, time: 100 })).toBe(false);
    expect(tail.hasOther({ seq: 3, time: 200 })).toBe(true);
    expect(tail.hasOther({ seq: 4, time: 100 })).toBe(false);
  });

  it("is given up when it has become too long, and begins anew when it is cleared", () => {
    const tail = new FeedTail();
    tail.add(Array.from({ length: 100_000 }, (_, index) => told(index + 1)));
    expect(tail).toMatchObject({ isLong: true, isCutOff: false });
    tail.add([told(100_001)]);
    expect(tail).toMatchObject({ isLong: false, isCutOff: true });
    tail.clear();
    expect(tail.isCutOff).toBe(false);
  });
});
