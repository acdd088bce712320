import type { Checkpoint, EntryBatch, FeedEvent, FeedReset } from "@conat/conat/internal";

interface Ending {
  /** What the `synced` that ends the queue said when it came. */
  readonly checkpoint: Checkpoint;
  /** Live entries that came since. They go before the `synced`, which then tells their position. */
  readonly live: EntryBatch[];
  liveBytes: number;
  seq: number;
  /** Up to here all of that is verified. */
  verified: number;
}

/**
 * Events of one feed that wait to be sent, in order, with two liberties: a full `reset` makes what is before it
 * pointless, and live entries that come while a snapshot waits become part of it.
 */
export class FeedQueue {
  #events: FeedEvent[] = [];
  #at = 0;
  #ending: Ending | undefined;

  get isEmpty(): boolean {
    return this.#at === this.#events.length && this.#ending === undefined;
  }

  /** Bytes of live entries that wait; they have no other bound than this queue's owner. */
  get liveBytes(): number {
    return this.#ending?.liveBytes ?? 0;
  }

  push(event: FeedEvent): void {
    if (event.type === "entries" && this.#ending) {
      this.#ending.live.push(event.batch);
      this.#ending.liveBytes += batchBytes(event.batch);
      this.#ending.seq = Math.max(this.#ending.seq, event.batch.position);
      return;
    }
    if (event.type === "verified") {
      if (this.#ending) this.#ending.verified = event.seq;
      return;
    }
    if (event.type === "reset" && event.mode === "full") this.#restart(event);
    else this.#spellOutEnding();
    if (event.type === "synced") {
      const { checkpoint, verified = checkpoint.seq } = event;
      this.#ending = { checkpoint, live: [], liveBytes: 0, seq: checkpoint.seq, verified };
    } else {
      this.#events.push(event);
    }
  }

  shift(): FeedEvent | undefined {
    if (this.#at === this.#events.length) this.#spellOutEnding();
    const event = this.#events[this.#at];
    if (event === undefined) return undefined;
    this.#at += 1;
    if (this.#at === this.#events.length) {
      this.#events = [];
      this.#at = 0;
    }
    return event;
  }

  /** Forgets the live entries that wait: `synced` then ends the queue as it came. */
  dropLive(): void {
    if (this.#ending === undefined) return;
    const { checkpoint, verified } = this.#ending;
    this.#ending = { checkpoint, live: [], liveBytes: 0, seq: checkpoint.seq, verified };
  }

  clear(): void {
    this.#events = [];
    this.#at = 0;
    this.#ending = undefined;
  }

  /** Drops what waits, except that there is another epoch in between: the reader must not miss that. */
  #restart({ epoch }: FeedReset): void {
    const other = this.#events.slice(this.#at).findLast(isReset);
    this.clear();
    if (other && other.epoch !== epoch) this.#events.push({ ...other, mode: "full" });
  }

  #spellOutEnding(): void {
    if (this.#ending === undefined) return;
    const { checkpoint, live, seq, verified } = this.#ending;
    this.#ending = undefined;
    for (const batch of live) this.#events.push({ type: "entries", batch });
    this.#events.push({ type: "synced", checkpoint: { ...checkpoint, seq }, verified });
  }
}

function isReset(event: FeedEvent): event is FeedReset {
  return event.type === "reset";
}

function batchBytes(batch: EntryBatch): number {
  let bytes = 0;
  for (const entry of batch.entries) bytes += entry.key.length + entry.end - entry.start;
  return bytes;
}
