import type { Checkpoint } from "../protocol/feed-position.ts";
import type { OpenBucket } from "./buckets.ts";
import { isOfHistory, type Stored, wasOutOfDate } from "./history.ts";

/** What the servers are asked to judge a checkpoint. */
export interface Witnesses {
  /** At least this sequence, or how far the bucket is for certain. */
  lastSeq(atLeast: number): Promise<number>;
  /** The oldest message that is stored after a sequence. */
  next(after: number): Promise<Stored | undefined>;
  /** The server's clock, in milliseconds since the epoch. */
  now(): number;
}

type Judged = Pick<OpenBucket, "epoch" | "seenFirst" | "highWater">;

/** Whether a checkpoint is of the history that its bucket has; see {@link isOfHistory}. Learns about the bucket by it. */
export async function judgeCheckpoint(
  checkpoint: Checkpoint,
  bucket: Judged,
  witnesses: Witnesses,
): Promise<boolean> {
  const { seq } = checkpoint;
  if (seq > bucket.highWater) {
    const lastSeq = await witnesses.lastSeq(seq);
    bucket.highWater = Math.max(bucket.highWater, lastSeq);
  }
  const isKnown = (): boolean => isOfHistory(checkpoint, bucket, bucket.highWater, witnesses.now());
  if (isKnown() || seq > bucket.highWater || checkpoint.epoch !== bucket.epoch) return isKnown();
  // Only what was seen first speaks against it.
  const next = await witnesses.next(bucket.seenFirst.seq);
  if (next === undefined || !wasOutOfDate(bucket.seenFirst, next)) return false;
  bucket.seenFirst = { seq: bucket.highWater, time: witnesses.now() };
  return isKnown();
}
