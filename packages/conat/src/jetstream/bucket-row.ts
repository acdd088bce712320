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
  /** How long it is not asked after it gave no answer, or others turned out to write elsewhere, in milliseconds. */
  readonly pauseMs: number;
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
  #pausedUntil = Number.NEGATIVE_INFINITY;
  #followers = 0;

  constructor(options: BucketRowOptions) {
    this.#options = options;
  }

  /** How many feeds tell what comes by. */
  get followers(): number {
    return this.#followers;
  }

  join(): void {
    this.#followers += 1;
  }

  leave(): void {
    this.#followers -= 1;
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
    const now = performance.now();
    if (this.#hasGapSince(after) || now < this.#pausedUntil) return undefined;
    let reach = await this.#ask(now - this.#options.maxAgeMs);
    // More is known since that answer: of an old one, that nothing is missing would say nothing new.
    if (reach.seq < after || (reach.seq === after && this.#last > after))
      reach = await this.#ask(now);
    if (reach.seq === after) return reach;
    if (reach.seq > this.#last) this.#pause();
    const isWhole = reach.seq > after && reach.seq <= this.#last && !this.#hasGapSince(after);
    return isWhole ? reach : undefined;
  }

  #hasGapSince(after: number): boolean {
    return this.#last > after && this.#first > after + 1;
  }

  #pause(): void {
    this.#pausedUntil = performance.now() + this.#options.pauseMs;
  }

  /** An answer to a question that was asked at a time or later. */
  #ask(notBefore: number): Promise<BucketReach> {
    if (this.#reach === undefined || this.#askedAt < notBefore) {
      this.#askedAt = performance.now();
      const reach = this.#readReach();
      this.#reach = reach;
      reach.catch(() => {
        this.#pause();
        if (this.#reach === reach) this.#reach = undefined;
      });
    }
    return this.#reach;
  }

  async #readReach(): Promise<BucketReach> {
    const { readLastSeq, serverTime } = this.#options;
    const time = serverTime();
    const seq = await readLastSeq();
    if (seq > this.#last) await sleep(IN_FLIGHT_MS, undefined, { ref: false });
    return { seq, time };
  }
}
