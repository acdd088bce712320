import { type DraftEntry, settleValues } from "./entry-codec.ts";

/** Entries that have come in and are not told yet, within a bound of both number and bytes. */
export class HeldEntries {
  readonly #maxEntries: number;
  readonly #maxBytes: number;
  #entries: DraftEntry[] = [];
  #bytes = 0;

  constructor(maxEntries: number, maxBytes: number) {
    this.#maxEntries = maxEntries;
    this.#maxBytes = maxBytes;
  }

  get length(): number {
    return this.#entries.length;
  }

  get isFull(): boolean {
    return this.#entries.length > this.#maxEntries || this.#bytes > this.#maxBytes;
  }

  add(entry: DraftEntry): void {
    this.#entries.push(entry);
    this.#bytes += entry.end - entry.start;
  }

  /** Everything held, with values of their own; holds nothing then. */
  take(): readonly DraftEntry[] {
    const entries = this.#entries;
    this.clear();
    settleValues(entries);
    return entries;
  }

  /** Drops what a load has told already. */
  dropUpTo(seq: number): void {
    this.#entries = this.#entries.filter((entry) => entry.seq > seq);
  }

  /** Highest sequence held; 0 when there is none. */
  newest(): number {
    return this.#entries.reduce((newest, { seq }) => Math.max(newest, seq), 0);
  }

  clear(): void {
    this.#entries = [];
    this.#bytes = 0;
  }
}
