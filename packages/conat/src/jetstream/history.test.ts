import { expect, it } from "vitest";
import { isOfHistory } from "./history.ts";

const MINUTE_MS = 60_000;

/** A hub that found the bucket at sequence 500, at a time of 10 minutes. */
const bucket = { epoch: "e", seenFirst: { seq: 500, time: 10 * MINUTE_MS } };

it("a checkpoint is of another history when the bucket is not there yet, or got there only later", () => {
  expect(isOfHistory({ epoch: "e", seq: 400, time: MINUTE_MS }, bucket, 900)).toBe(true);
  expect(isOfHistory({ epoch: "e", seq: 800, time: 11 * MINUTE_MS }, bucket, 900)).toBe(true);
  // The bucket has lost what came after 500, and has grown again since.
  expect(isOfHistory({ epoch: "e", seq: 800, time: 9 * MINUTE_MS }, bucket, 900)).toBe(false);
  expect(isOfHistory({ epoch: "e", seq: 950, time: 11 * MINUTE_MS }, bucket, 900)).toBe(false);
  expect(isOfHistory({ epoch: "d", seq: 1, time: 11 * MINUTE_MS }, bucket, 900)).toBe(false);
});

it("a checkpoint whose time is a little wrong is still of this history", () => {
  const time = 10 * MINUTE_MS - 20_000;
  expect(isOfHistory({ epoch: "e", seq: 501, time }, bucket, 900)).toBe(true);
});
