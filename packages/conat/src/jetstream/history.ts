import type { Checkpoint } from "../protocol/feed-position.ts";
import type { OpenBucket } from "./buckets.ts";

/** By how much the time of a checkpoint may be wrong, in milliseconds: clocks differ, and large loads take their time. */
const TIME_MARGIN_MS = 30_000;

/** By how much the clocks of two leaders may differ whose last and first messages overtake each other, in milliseconds. */
const ORDER_MARGIN_MS = 5_000;

/** The number and the time of a message. */
export type Stored = Pick<Checkpoint, "seq" | "time">;

/**
 * Whether the sequence of a message has certainly been given out before: one history does not store under a lower
 * sequence what it stores later.
 */
export function isGivenOutAgain({ seq, time }: Stored, newest: Stored): boolean {
  return seq <= newest.seq && time > newest.time + ORDER_MARGIN_MS;
}

/**
 * Whether what was seen first of a bucket was out of date already, as the oldest message that is stored after it shows:
 * who was asked had been paused, and did not know yet that another node leads the bucket since.
 */
export function wasOutOfDate(seenFirst: Stored, next: Stored): boolean {
  return next.seq > seenFirst.seq && next.time < seenFirst.time - TIME_MARGIN_MS;
}

/**
 * Whether a checkpoint is of the history that a bucket has, as far as can be told. It is not when the bucket was restored
 * from a backup that is older than the checkpoint: then it is ahead of the bucket, or was before the bucket got there.
 * @param now the server's clock, in milliseconds since the epoch
 */
export function isOfHistory(
  { epoch, seq, time }: Checkpoint,
  bucket: Pick<OpenBucket, "epoch" | "seenFirst">,
  lastSeq: number,
  now: number,
): boolean {
  if (epoch !== bucket.epoch || seq > lastSeq) return false;
  const { seenFirst } = bucket;
  const since = seenFirst.time - TIME_MARGIN_MS;
  // A clock that was put back since tells nothing.
  return seq <= seenFirst.seq || time >= since || now < since;
}
