import type { NatsConnection } from "@nats-io/nats-core";
import type { Entry } from "../protocol/entry.ts";
import type { BucketRow } from "./bucket-row.ts";
import type { Buckets, OpenBucket } from "./buckets.ts";
import type { LoadLane } from "./load-lane.ts";
import type { StoreFeed } from "./store-feed.ts";

/** The session's state while it is ready. A new one is made each time it becomes ready. */
export interface ReadyState {
  readonly connection: NatsConnection;
  readonly buckets: Buckets;
  /** Aborted when the session is no longer ready, with the reason. */
  readonly signal: AbortSignal;
}

/** What a session offers to the feeds it has opened. */
export interface FeedHost {
  readonly ready: ReadyState | undefined;
  readonly lane: LoadLane;
  readonly requestTimeoutMs: number;
  readonly counters: FeedCounters;
  /** The server's clock, in milliseconds since the epoch. */
  serverTime(): number;
  /** A number in [0, 1). */
  random(): number;
  /** What came by of a bucket since the session is ready. */
  rowOf(bucket: OpenBucket): BucketRow;
  /** The server has just stored this. */
  heard(entry: Entry): void;
  /** Has the feed's entries told at the end of this turn of the event loop. */
  schedule(feed: StoreFeed): void;
  /** Has the feed look soon whether it was told everything. */
  check(feed: StoreFeed): void;
  /** Something suggests that a bucket is gone, or has another history than before. */
  checkBuckets(): void;
  /** The feed has ended. */
  forget(feed: StoreFeed): void;
}

/** Counts since the session was opened, for people who watch it. */
export interface FeedCounters {
  /** Gaps that only a check of the head found. */
  missedEntries: number;
  fullLoads: number;
  deltaLoads: number;
  failedLoads: number;
  /** Messages under a subject that conat does not write, or whose key cannot be known; ignored. */
  foreignMessages: number;
}
