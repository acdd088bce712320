import { setTimeout as sleep } from "node:timers/promises";

/** How long a message that the leader has may be on its way before it counts as missed. */
export const IN_FLIGHT_MS = 500;

/** How far a bucket was at a time. */
export interface BucketReach {
  /** Sequence of the last message that it had stored. */
  readonly seq: number;
  /** By the server's clock. */
  readonly time: number;
}

export interface BucketRowOptions {
  /** Asks the leader for the last sequence. */
  readonly readLastSeq: () => Promise<number>;
  /** The server's clock, in milliseconds since the epoch. */
  readonly serverTime: () => number;
  /** How long an answer of the leader is good for, in milliseconds. */
  readonly maxAgeMs: number;
}

/**
 * What came by of a bucket without a gap, whatever store it is of. Where a session hears all that is written to a bucket,
 * one question to the leader shows for all of its stores that nothing was missed.
 */
export class BucketRow {
  readonly #options: BucketRowOptions;
  /** First and last sequence. What is missing between two rows may be of a store that nobody follows here. */
  #first = Number.POSITIVE_INFINITY;
  #last = Number.NEGATIVE_INFINITY;
  #reach: Promise<BucketReach> | undefined;
  #askedAt = 0;

  constructor(options: BucketRowOptions) {
    this.#options = options;
  }

  /** A message has come by. Those of one store do so in order, and may do so twice. */
  heard(seq: number): void {
    if (seq <= this.#last) return;
    if (seq !== this.#last + 1) this.#first = seq;
    this.#last = seq;
  }

  /**
   * How far the bucket is, if everything that it has stored after a sequence has come by; `undefined` if it has not, or
   * nobody knows.
   */
  async reachSince(after: number): Promise<BucketReach | undefined> {
    if (this.#hasGapSince(after)) return undefined;
    let reach = await this.#ask(this.#options.maxAgeMs);
    // More has come by since that answer.
    if (reach.seq < after) reach = await this.#ask(0);
    if (reach.seq === after) return reach;
    const isWhole = reach.seq > after && reach.seq <= this.#last && !this.#hasGapSince(after);
    return isWhole ? reach : undefined;
  }

  #hasGapSince(after: number): boolean {
    return this.#last > after && this.#first > after + 1;
  }

  #ask(maxAgeMs: number): Promise<BucketReach> {
    const now = performance.now();
    if (this.#reach === undefined || now - this.#askedAt > maxAgeMs) {
      this.#askedAt = now;
      const reach = this.#readReach();
      this.#reach = reach;
      reach.catch(() => {
        if (this.#reach === reach) this.#reach = undefined;
      });
    }
    return this.#reach;
  }

  async #readReach(): Promise<BucketReach> {
    const { readLastSeq, serverTime } = this.#options;
    const time = serverTime();
    const seq = await readLastSeq();
    if (seq > this.#last) await sleep(IN_FLIGHT_MS);
    return { seq, time };
  }
}
