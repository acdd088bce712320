import { expect, it } from "vitest";
import { isGivenOutAgain, isOfHistory } from "./history.ts";

const MINUTE_MS = 60_000;

/** A hub that found the bucket at sequence 500, at a time of 10 minutes. */
const bucket = { epoch: "e", seenFirst: { seq: 500, time: 10 * MINUTE_MS } };

const NOW = 20 * MINUTE_MS;

it("a checkpoint is of another history when the bucket is not there yet, or got there only later", () => {
  expect(isOfHistory({ epoch: "e", seq: 400, time: MINUTE_MS }, bucket, 900, NOW)).toBe(true);
  expect(isOfHistory({ epoch: "e", seq: 800, time: 11 * MINUTE_MS }, bucket, 900, NOW)).toBe(true);
  // The bucket has lost what came after 500, and has grown again since.
  expect(isOfHistory({ epoch: "e", seq: 800, time: 9 * MINUTE_MS }, bucket, 900, NOW)).toBe(false);
  expect(isOfHistory({ epoch: "e", seq: 950, time: 11 * MINUTE_MS }, bucket, 900, NOW)).toBe(false);
  expect(isOfHistory({ epoch: "d", seq: 1, time: 11 * MINUTE_MS }, bucket, 900, NOW)).toBe(false);
});

it("a checkpoint whose time is a little wrong is still of this history", () => {
  const time = 10 * MINUTE_MS - 20_000;
  expect(isOfHistory({ epoch: "e", seq: 501, time }, bucket, 900, NOW)).toBe(true);
});

it("a checkpoint from after the clock was put back is of this history", () => {
  const checkpoint = { epoch: "e", seq: 501, time: 2 * MINUTE_MS };
  expect(isOfHistory(checkpoint, bucket, 900, 3 * MINUTE_MS)).toBe(true);
  expect(isOfHistory(checkpoint, bucket, 900, NOW)).toBe(false);
});

it("a lower sequence that is stored later has been given out before, unless two leaders' clocks can explain it", () => {
  const newest = { seq: 100, time: MINUTE_MS };
  expect(isGivenOutAgain({ seq: 100, time: 2 * MINUTE_MS }, newest)).toBe(true);
  expect(isGivenOutAgain({ seq: 90, time: 2 * MINUTE_MS }, newest)).toBe(true);
  expect(isGivenOutAgain({ seq: 90, time: MINUTE_MS + 1_000 }, newest)).toBe(false);
  expect(isGivenOutAgain({ seq: 101, time: 2 * MINUTE_MS }, newest)).toBe(false);
});
