import type { DraftEntry } from "./entry-codec.ts";

/** After so many entries it is time for a check, whenever the last one was; past so many they are not kept any more. */
const CHECK_TOLD = 25_000;
const MAX_TOLD = 100_000;

/**
 * What the live tail has told since a store was last known to be complete. A message that is lost between two servers
 * leaves no trace in those that follow it: only what is stored, held against what was told, shows that it is missing.
 */
export class FeedTail {
  /** Sequences of the messages, in order, and when each was stored. Not a `Map`: the oldest leave all the time. */
  readonly #seqs: number[] = [];
  readonly #times: number[] = [];

  #isCutOff = false;

  /** What was told should be checked soon. */
  get isLong(): boolean {
    return this.#seqs.length > CHECK_TOLD;
  }

  /** More was told than could be checked: what is missing cannot be found out any more. */
  get isCutOff(): boolean {
    return this.#isCutOff;
  }

  add(entries: readonly DraftEntry[]): void {
    for (const { seq, time } of entries) {
      const at = this.#placeOf(seq);
      // Out of order only what is told again.
      if (at < this.#seqs.length && this.#seqs[at] !== seq) {
        this.#seqs.splice(at, 0, seq);
        this.#times.splice(at, 0, time);
      } else {
        this.#seqs[at] = seq;
        this.#times[at] = time;
      }
    }
    if (this.#seqs.length <= MAX_TOLD) return;
    this.#dropFirst(this.#seqs.length);
    this.#isCutOff = true;
  }

  has(seq: number): boolean {
    return this.#seqs[this.#placeOf(seq)] === seq;
  }

  /** Whether another message with this sequence was told. The same one may come twice, when a bucket changes its leader. */
  hasOther({ seq, time }: Pick<DraftEntry, "seq" | "time">): boolean {
    const at = this.#placeOf(seq);
    return this.#seqs[at] === seq && this.#times[at] !== time;
  }

  /** Those of some entries that were not told. */
  missing(entries: readonly DraftEntry[]): readonly DraftEntry[] {
    if (this.#seqs.length === 0) return entries;
    return entries.filter(({ seq }) => !this.has(seq));
  }

  /**
   * The last message up to which all of the bucket came by here since a sequence: between them nothing can be missing.
   * Undefined where another store's came first.
   */
  lastInRow(since: number): Pick<DraftEntry, "seq" | "time"> | undefined {
    const first = this.#placeOf(since + 1);
    let count = 0;
    while (this.#seqs[first + count] === since + 1 + count) count += 1;
    const time = this.#times[first + count - 1];
    return count === 0 || time === undefined ? undefined : { seq: since + count, time };
  }

  /** Everything up to there is known to be told. */
  dropUpTo(seq: number): void {
    this.#dropFirst(this.#placeOf(seq + 1));
  }

  clear(): void {
    this.#dropFirst(this.#seqs.length);
    this.#isCutOff = false;
  }

  #dropFirst(count: number): void {
    this.#seqs.splice(0, count);
    this.#times.splice(0, count);
  }

  /** Where a sequence is, or would be. */
  #placeOf(seq: number): number {
    let low = 0;
    let high = this.#seqs.length;
    // Mostly it is the newest.
    if (high > 0 && seq > (this.#seqs[high - 1] ?? 0)) return high;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#seqs[middle] ?? 0) < seq) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
