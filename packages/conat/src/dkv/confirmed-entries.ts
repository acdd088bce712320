import type { Entry } from "../protocol/entry.ts";
import type { Checkpoint } from "../protocol/feed-position.ts";
import type { FeedReset } from "../session/session.ts";
import type { Remembered } from "./visible.ts";

/** Removal markers kept so that a compare-and-set can name them; past it, and past a tenth of all, they are dropped. */
const MAX_MARKERS = 1_000;

/** What is known of one key. */
export interface Known {
  /** The newest version seen. */
  entry: Entry;
  /** Its value, once somebody has asked for it. */
  remembered: Remembered | undefined;
}

/** The confirmed side of a store: the newest entry seen of every key, removals included. */
export class ConfirmedEntries {
  #known = new Map<string, Known>();
  #markers = 0;
  #epoch = "";
  /** While a full snapshot runs over keys known before: those it has not named yet. */
  #unseen: Map<string, Known> | undefined;
  #newEpoch = false;
  #floor = 0;

  get(key: string): Entry | undefined {
    return this.#known.get(key)?.entry;
  }

  known(key: string): Known | undefined {
    return this.#known.get(key);
  }

  [Symbol.iterator](): IterableIterator<[string, Known]> {
    return this.#known.entries();
  }

  /** How many keys have a value. */
  get size(): number {
    return this.#known.size - this.#markers;
  }

  /** True between a `reset` that named another epoch and the next `synced`, also when that is of a later `reset`. */
  get changesEpoch(): boolean {
    return this.#newEpoch;
  }

  /** The store was destroyed below this sequence; 0 when it was not as far as is known. */
  get floor(): number {
    return this.#floor;
  }

  /** Takes an entry if it is newer than the one known. Gives the one before it, or `undefined` when it is not newer. */
  accept(entry: Entry): { readonly prev: Entry | undefined; readonly known: Known } | undefined {
    const { key, seq, kind } = entry;
    if (seq <= this.#floor) return undefined;
    const known = this.#known.get(key);
    if (known === undefined) return this.#admit(entry);
    const prev = known.entry;
    this.#unseen?.delete(key);
    if (seq <= prev.seq) return undefined;
    if (prev.kind !== "put") this.#markers -= 1;
    if (kind !== "put") this.#markers += 1;
    known.entry = entry;
    return { prev, known };
  }

  #admit(entry: Entry): { readonly prev: Entry | undefined; readonly known: Known } {
    const before = this.#unseen?.get(entry.key);
    this.#unseen?.delete(entry.key);
    if (entry.kind !== "put") this.#markers += 1;
    const known: Known = { entry, remembered: before?.remembered };
    this.#known.set(entry.key, known);
    return { prev: before?.entry, known };
  }

  /** The store was destroyed below `seq`. Gives the entries that are gone, or `undefined` when that was known. */
  raiseFloor(seq: number): Known[] | undefined {
    if (seq <= this.#floor) return undefined;
    this.#floor = seq;
    const gone: Known[] = [];
    for (const [key, known] of this.#known) {
      if (known.entry.seq > seq) continue;
      this.drop(key);
      this.#unseen?.delete(key);
      gone.push(known);
    }
    return gone;
  }

  /** Drops what is known of a key. */
  drop(key: string): void {
    const entry = this.get(key);
    if (entry === undefined) return;
    this.#known.delete(key);
    if (entry.kind !== "put") this.#markers -= 1;
  }

  clear(): void {
    this.#known = new Map();
    this.#markers = 0;
    this.#unseen = undefined;
  }

  /**
   * A snapshot or delta begins. Sequences of another epoch say nothing about this one's: every entry is then new.
   * Answers whether another epoch begins.
   */
  reset(event: FeedReset): boolean {
    const begins = this.#epoch !== "" && this.#epoch !== event.epoch;
    this.#epoch = event.epoch;
    // What an earlier snapshot that was cut off has not named is still to be named.
    const left = this.#newEpoch ? this.#unseen : undefined;
    this.#newEpoch ||= begins;
    const full = event.mode === "full" || this.#newEpoch;
    const before = full ? new Map([...(left ?? []), ...this.#known]) : undefined;
    this.#unseen = before && before.size > 0 ? before : undefined;
    if (begins) this.#forgetAll();
    return begins;
  }

  #forgetAll(): void {
    this.#known = new Map();
    this.#markers = 0;
    this.#floor = 0;
  }

  /** The snapshot or delta is complete. Gives the entries it lacks, which are dropped. */
  synced(checkpoint: Checkpoint): Known[] {
    const gone: Known[] = [];
    for (const [key, known] of this.#unseen ?? []) {
      const isOfThisEpoch = this.#known.get(key) === known;
      if (isOfThisEpoch && known.entry.seq > checkpoint.seq) continue;
      this.drop(key);
      gone.push(known);
    }
    this.#unseen = undefined;
    this.#newEpoch = false;
    return gone;
  }

  /** Forgets removals when they pile up, except those of keys that `needed` names. */
  forgetMarkers(needed: (key: string) => boolean): void {
    const few = this.#markers <= MAX_MARKERS || this.#markers * 10 <= this.#known.size;
    if (few || this.#unseen) return;
    for (const [key, { entry }] of this.#known) {
      if (entry.kind === "put" || needed(key)) continue;
      this.#known.delete(key);
      this.#markers -= 1;
    }
  }
}
