import type { DraftEntry } from "./entry-codec.ts";

/** After so many entries it is time for a check, whenever the last one was; past so many they are not kept any more. */
const CHECK_TOLD = 25_000;
const MAX_TOLD = 100_000;

/**
 * What the live tail has told since a store was last known to be complete. A message that is lost between two servers
 * leaves no trace in those that follow it: only what is stored, held against what was told, shows that it is missing.
 */
export class FeedTail {
  /** When each message was stored, by its sequence. */
  readonly #told = new Map<number, number>();

  #isCutOff = false;

  /** What was told should be checked soon. */
  get isLong(): boolean {
    return this.#told.size > CHECK_TOLD;
  }

  /** More was told than could be checked: what is missing cannot be found out any more. */
  get isCutOff(): boolean {
    return this.#isCutOff;
  }

  add(entries: readonly DraftEntry[]): void {
    for (const { seq, time } of entries) this.#told.set(seq, time);
    if (this.#told.size <= MAX_TOLD) return;
    this.#told.clear();
    this.#isCutOff = true;
  }

  /** Whether another message with this sequence was told. The same one may come twice, when a bucket changes its leader. */
  hasOther({ seq, time }: Pick<DraftEntry, "seq" | "time">): boolean {
    const told = this.#told.get(seq);
    return told !== undefined && told !== time;
  }

  /** Those of some entries that were not told. */
  missing(entries: readonly DraftEntry[]): readonly DraftEntry[] {
    if (this.#told.size === 0) return entries;
    return entries.filter(({ seq }) => !this.#told.has(seq));
  }

  /** Everything up to there is known to be told. */
  dropUpTo(seq: number): void {
    for (const told of this.#told.keys()) if (told <= seq) this.#told.delete(told);
  }

  clear(): void {
    this.#told.clear();
    this.#isCutOff = false;
  }
}
