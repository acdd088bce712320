import { expect, it } from "vitest";
import type { Stored } from "./history.ts";
import { judgeCheckpoint, type Witnesses } from "./judge-checkpoint.ts";

const MINUTE_MS = 60_000;

/** A bucket that was at 900 when it was looked at last, and at 500 when it was found, at a time of 10 minutes. */
const found = () => ({ epoch: "e", seenFirst: { seq: 500, time: 10 * MINUTE_MS }, highWater: 900 });

function witnesses(lastSeq: number, next?: Stored): Witnesses {
  return {
    lastSeq: async () => lastSeq,
    next: async (after) => (next && next.seq > after ? next : undefined),
    now: () => 20 * MINUTE_MS,
  };
}

it("a checkpoint beyond what is known is of this history if the bucket has got there", async () => {
  const checkpoint = { epoch: "e", seq: 950, time: 15 * MINUTE_MS };
  const bucket = found();
  expect(await judgeCheckpoint(checkpoint, bucket, witnesses(960))).toBe(true);
  expect(bucket.highWater).toBe(960);
  expect(await judgeCheckpoint(checkpoint, found(), witnesses(940))).toBe(false);
});

it("a checkpoint from before the bucket was put back to less than that is not", async () => {
  const checkpoint = { epoch: "e", seq: 600, time: 9 * MINUTE_MS };
  const since = { seq: 501, time: 10 * MINUTE_MS + 1_000 };
  expect(await judgeCheckpoint(checkpoint, found(), witnesses(900, since))).toBe(false);
  expect(await judgeCheckpoint(checkpoint, found(), witnesses(900))).toBe(false);
  const other = { epoch: "d", seq: 600, time: 15 * MINUTE_MS };
  expect(await judgeCheckpoint(other, found(), witnesses(900, since))).toBe(false);
});

it("it is, where a node that had been paused told of the bucket as it had known it", async () => {
  const checkpoint = { epoch: "e", seq: 600, time: 9 * MINUTE_MS };
  const bucket = found();
  // Stored 2 minutes before the bucket was said to be at 500.
  const missed = { seq: 510, time: 8 * MINUTE_MS };
  expect(await judgeCheckpoint(checkpoint, bucket, witnesses(900, missed))).toBe(true);
  expect(bucket.seenFirst).toEqual({ seq: 900, time: 20 * MINUTE_MS });
});
