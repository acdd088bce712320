import { setTimeout as sleep } from "node:timers/promises";
import { ConatError } from "../protocol/conat-error.ts";
import type { Entry } from "../protocol/entry.ts";
import { type StoreRef, storeKey } from "../protocol/scope.ts";
import { atEndOfTurn } from "../util/end-of-turn.ts";
import { BucketRow } from "./bucket-row.ts";
import type { OpenBucket } from "./buckets.ts";
import type { FeedCounters, FeedHost, ReadyState } from "./feed-host.ts";
import { readLastSeq } from "./leader.ts";
import { Limiter } from "./limiter.ts";
import type { LoadLane } from "./load-lane.ts";
import type { ResolvedOptions } from "./options.ts";
import type { StoreFeed } from "./store-feed.ts";

/** Head checks are spread over their interval in steps of this many milliseconds. */
const CHECK_STEP_MS = 100;

/** Head checks at the same time. */
const CHECKS = 16;

/** What a bucket's leader has said is good for this part of the time between two checks of a store. */
const REACH_FRACTION = 0.1;

/** After a reconnect the feeds of one session wait up to this long per feed, so that sessions do not come all at once. */
const JITTER_PER_FEED_MS = 1;
const MAX_JITTER_MS = 1_000;

/** What a session lends to its feeds. */
export type FeedSetParts = Pick<FeedHost, "lane" | "serverTime" | "checkBuckets" | "heard">;

/** All open stores of a session, and what they share. */
export class FeedSet implements FeedHost {
  readonly lane: LoadLane;
  readonly requestTimeoutMs: number;
  readonly counters: FeedCounters = {
    missedEntries: 0,
    fullLoads: 0,
    deltaLoads: 0,
    failedLoads: 0,
    foreignMessages: 0,
  };
  readonly random: () => number;
  readonly serverTime: () => number;
  readonly checkBuckets: () => void;
  readonly heard: (entry: Entry) => void;
  readonly #headCheckMs: number;
  readonly #checks = new Limiter(CHECKS);
  /** In the order of their last head check. */
  readonly #feeds = new Set<StoreFeed>();
  /** The one of each store that was opened last, if it is still there. */
  readonly #byStore = new Map<string, StoreFeed>();
  readonly #turn: StoreFeed[] = [];
  readonly #rows = new Map<OpenBucket, BucketRow>();
  #ready: ReadyState | undefined;
  #checkTimer: NodeJS.Timeout | undefined;
  #checksDue = 0;

  constructor(options: ResolvedOptions, { lane, serverTime, checkBuckets, heard }: FeedSetParts) {
    this.lane = lane;
    this.heard = heard;
    this.requestTimeoutMs = options.requestTimeoutMs;
    this.random = options.random;
    this.serverTime = serverTime;
    this.checkBuckets = checkBuckets;
    this.#headCheckMs = options.headCheckMs;
  }

  get ready(): ReadyState | undefined {
    return this.#ready;
  }

  get size(): number {
    return this.#feeds.size;
  }

  add(feed: StoreFeed): void {
    this.#feeds.add(feed);
    this.#byStore.set(feed.store, feed);
    if (this.#ready) feed.recover(this.#ready);
  }

  forget(feed: StoreFeed): void {
    this.#feeds.delete(feed);
    if (this.#byStore.get(feed.store) === feed) this.#byStore.delete(feed.store);
  }

  /** Whether one of them is told now what is stored in a store. It may be though the answer is no. */
  hears(ref: StoreRef): boolean {
    return this.#byStore.get(storeKey(ref))?.isLive === true;
  }

  rowOf(bucket: OpenBucket): BucketRow {
    let row = this.#rows.get(bucket);
    if (row === undefined) {
      row = new BucketRow({
        readLastSeq: () => this.#readLastSeq(bucket),
        serverTime: this.serverTime,
        maxAgeMs: this.#headCheckMs * REACH_FRACTION,
        pauseMs: this.#headCheckMs,
      });
      this.#rows.set(bucket, row);
    }
    return row;
  }

  async #readLastSeq(bucket: OpenBucket): Promise<number> {
    const { connection } = this.#ready ?? {};
    if (connection === undefined) throw new ConatError("unavailable", "NATS is not reached");
    const known = bucket.highWater;
    const seq = await readLastSeq(connection, bucket, this.requestTimeoutMs);
    if (seq < known) this.checkBuckets();
    // What others have stored is heard of nowhere else.
    bucket.highWater = Math.max(bucket.highWater, seq);
    return seq;
  }

  schedule(feed: StoreFeed): void {
    if (this.#turn.push(feed) === 1) atEndOfTurn(this.tellEntries);
  }

  check(feed: StoreFeed): void {
    // A check that fails says nothing about the store, but perhaps something about its bucket.
    this.#checks.run(() => feed.check()).catch(this.checkBuckets);
  }

  async resume(ready: ReadyState): Promise<void> {
    const jitterMs = Math.min(MAX_JITTER_MS, this.#feeds.size * JITTER_PER_FEED_MS);
    if (jitterMs > 1) {
      await sleep(this.random() * jitterMs, undefined, { signal: ready.signal }).catch(() => {});
    }
    if (ready.signal.aborted) return;
    this.#ready = ready;
    // What came by before, over another connection perhaps, is not the beginning of what comes now.
    this.#rows.clear();
    for (const feed of this.#feeds) feed.recover(ready);
    if (this.#headCheckMs > 0) this.#checkTimer = setInterval(this.#checkSome, CHECK_STEP_MS);
  }

  suspend(error: ConatError): void {
    this.#ready = undefined;
    clearInterval(this.#checkTimer);
    for (const feed of this.#feeds) feed.suspend(error);
  }

  end(error: ConatError): void {
    this.#ready = undefined;
    clearInterval(this.#checkTimer);
    for (const feed of [...this.#feeds]) feed.end(error);
  }

  /** Tells what has come in in this turn. */
  readonly tellEntries = (): void => {
    const feeds = this.#turn.splice(0);
    for (const feed of feeds) feed.flush();
  };

  readonly #checkSome = (): void => {
    this.#checksDue += (this.#feeds.size * CHECK_STEP_MS) / this.#headCheckMs;
    // A slow server gets no pile of checks.
    if (this.#checks.size > CHECKS) return;
    for (const feed of this.#feeds) {
      if (this.#checksDue < 1) break;
      this.#checksDue -= 1;
      this.#feeds.delete(feed);
      this.#feeds.add(feed);
      this.check(feed);
    }
    this.#checksDue = Math.min(this.#checksDue, 1);
  };
}
