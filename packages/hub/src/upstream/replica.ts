import type { Doubt, Durability, Entry, EntryBatch } from "@conat/conat/internal";

/** What the engine spends on an entry beside its key and value: the object, the map's slot, the view. */
const ENTRY_OVERHEAD_BYTES = 200;

/** What an entry adds to a block beside its key and value. */
const BLOCK_OVERHEAD_BYTES = 16;

/** Late entries that are remembered; they matter to readers that pause for a moment, and they are rare. */
const MAX_LATE = 1_000;

export interface ReplicaOptions {
  readonly epoch: string;
  readonly durability: Durability;
  /** How long the server keeps the marker of a removal, in milliseconds. */
  readonly markerTtlMs: number;
  /** Server time from which on no removal can have been missed; see {@link Replica.completeSince}. */
  readonly completeSince: number;
  /** Target size of one batch of a snapshot, in bytes. */
  readonly chunkBytes: number;
}

/** One store as the server has it: the last entry of every key, markers included while they live. */
export class Replica {
  readonly epoch: string;
  readonly durability: Durability;
  readonly #markerTtlMs: number;
  readonly #chunkBytes: number;
  readonly #entries = new Map<string, Entry>();
  readonly #markers = new Set<string>();
  #floor: Entry | undefined;
  #bytes = 0;
  #position = 0;
  #completeSince: number;
  /** What was missed at first: by its sequence, how far a reader of this replica was when it turned up. */
  readonly #late = new Map<number, number>();

  constructor(options: ReplicaOptions) {
    this.epoch = options.epoch;
    this.durability = options.durability;
    this.#markerTtlMs = options.markerTtlMs;
    this.#completeSince = options.completeSince;
    this.#chunkBytes = options.chunkBytes;
  }

  /** Keys, removed ones included while their markers live. */
  get size(): number {
    return this.#entries.size;
  }

  /** Memory this replica takes, estimated. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Everything up to this stream sequence is here. */
  get position(): number {
    return this.#position;
  }

  /** Server time after which every removal is still here: who has seen all up to a later time can have a delta. */
  get completeSince(): number {
    return this.#completeSince;
  }

  get(key: string): Entry | undefined {
    return this.#entries.get(key);
  }

  advance(position: number): void {
    if (position > this.#position) this.#position = position;
  }

  /**
   * Takes in what is newer than what is here. Answers with that: the same batch if it was all of it.
   * @param isDelta readers were told what is here before it began
   */
  apply(batch: EntryBatch, isDelta = false): EntryBatch {
    this.advance(batch.position);
    let fresh: Entry[] | undefined;
    const { entries } = batch;
    for (let index = 0; index < entries.length; index += 1) {
      const entry = entries[index];
      if (entry === undefined) continue;
      const { position } = this;
      const isNew = this.#put(entry);
      if (isNew && isDelta && entry.seq < position) this.#turnedUp(entry.seq, position);
      if (!isNew) fresh ??= entries.slice(0, index);
      else if (fresh) fresh.push(entry);
    }
    return fresh ? { entries: fresh, position: batch.position } : batch;
  }

  /** Everything, in batches of about the chunk size. */
  snapshot(): EntryBatch[] {
    return this.#collect(() => true);
  }

  /** Everything newer than `seq` that a reader has not, removals included, and what turned up after it got there. */
  since(seq: number, doubt?: Doubt): EntryBatch[] {
    const from = doubt?.verified ?? seq;
    const told = new Set(doubt?.told);
    return this.#collect((entry) => {
      if (entry.seq > from) return !told.has(entry.seq - from);
      return (this.#late.get(entry.seq) ?? 0) >= seq;
    });
  }

  /**
   * Brings a newer snapshot of the same epoch up to this replica where this one knows better, and compares the two:
   * `changed` is what a reader of this replica has not seen. `vanished` tells that a key is gone without a marker, so
   * that a reader who has not seen the snapshot at time `now` needs the whole of it to notice.
   * @param upTo stream sequence up to which the snapshot is complete: a key it lacks is gone unless it is newer.
   */
  reconcile(
    next: Replica,
    upTo: number,
    now: number,
  ): { changed: EntryBatch[]; vanished: boolean } {
    let vanished = false;
    if (this.#floor && this.#floor.seq > upTo) next.#put(this.#floor);
    const floor = next.#floor;
    for (const [key, entry] of this.#entries) {
      const newer = next.#entries.get(key);
      const isKept = newer ? entry.seq > newer.seq : entry.seq > upTo;
      if (isKept) next.#put(entry);
      else if (newer === undefined && entry.kind === "put" && entry.seq > (floor?.seq ?? 0)) {
        vanished = true;
      }
    }
    if (vanished && now > next.#completeSince) next.#completeSince = now;
    next.advance(Math.max(this.#position, upTo));
    for (const [seq, position] of this.#late) next.#turnedUp(seq, position);
    const chunks = new Chunks(this.#chunkBytes);
    if (floor && floor.seq > (this.#floor?.seq ?? 0)) chunks.add(floor);
    for (const [key, entry] of next.#entries) {
      if (entry.seq <= (this.#entries.get(key)?.seq ?? 0)) continue;
      chunks.add(entry);
      if (entry.seq < this.#position) next.#turnedUp(entry.seq, this.#position);
    }
    return { changed: chunks.finish(), vanished };
  }

  /** Drops the markers whose lifetime ended before `now`, as the server does. */
  sweepMarkers(now: number): void {
    for (const key of this.#markers) {
      const marker = this.#entries.get(key);
      if (marker === undefined) continue;
      if (!this.#isShortLived(marker) || marker.time + this.#markerTtlMs >= now) continue;
      this.#remove(marker);
      if (marker.time > this.#completeSince) this.#completeSince = marker.time;
    }
  }

  /** A delete by another NATS client need not have a lifetime; the server then keeps it, and so does the replica. */
  #isShortLived(marker: Entry): boolean {
    return marker.kind === "expiry" || marker.kind === "withdrawn" || marker.origin !== "";
  }

  #put(entry: Entry): boolean {
    if (entry.kind === "floor") return this.#raiseFloor(entry);
    if (this.#floor && entry.seq <= this.#floor.seq) return false;
    const old = this.#entries.get(entry.key);
    if (old) {
      if (entry.seq <= old.seq) return false;
      this.#bytes -= entryBytes(old);
    }
    this.#entries.set(entry.key, entry);
    this.#bytes += entryBytes(entry);
    if (entry.kind !== "put") this.#markers.add(entry.key);
    else if (this.#markers.size > 0) this.#markers.delete(entry.key);
    this.advance(entry.seq);
    return true;
  }

  /** The store was destroyed below the floor: nothing older counts any more. */
  #raiseFloor(floor: Entry): boolean {
    if (this.#floor && floor.seq <= this.#floor.seq) return false;
    this.#floor = floor;
    for (const entry of this.#entries.values()) {
      if (entry.seq <= floor.seq) this.#remove(entry);
    }
    this.advance(floor.seq);
    return true;
  }

  #remove(entry: Entry): void {
    this.#entries.delete(entry.key);
    this.#markers.delete(entry.key);
    this.#bytes -= entryBytes(entry);
  }

  #turnedUp(seq: number, position: number): void {
    this.#late.set(seq, position);
    const [oldest] = this.#late.keys();
    if (this.#late.size > MAX_LATE && oldest !== undefined) this.#late.delete(oldest);
  }

  #collect(isWanted: (entry: Entry) => boolean): EntryBatch[] {
    const chunks = new Chunks(this.#chunkBytes);
    if (this.#floor && isWanted(this.#floor)) chunks.add(this.#floor);
    for (const entry of this.#entries.values()) {
      if (isWanted(entry)) chunks.add(entry);
    }
    return chunks.finish();
  }
}

/** The batch as several of about `limit` bytes; the position belongs to the last of them. */
export function splitBatch(batch: EntryBatch, limit: number): readonly EntryBatch[] {
  const { entries, position } = batch;
  if (entries.length < 2) return [batch];
  const chunks = new Chunks(limit);
  for (const entry of entries) chunks.add(entry);
  const batches = chunks.finish();
  const last = batches.pop();
  if (last === undefined || batches.length === 0) return [batch];
  return [...batches, { entries: last.entries, position }];
}

/** Cuts entries into batches of a snapshot. Their position stays 0: only the whole of them is complete. */
class Chunks {
  readonly #limit: number;
  readonly #batches: EntryBatch[] = [];
  #entries: Entry[] = [];
  #size = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  add(entry: Entry): void {
    const size = entry.key.length + entry.end - entry.start + BLOCK_OVERHEAD_BYTES;
    if (this.#size > 0 && this.#size + size > this.#limit) this.#cut();
    this.#entries.push(entry);
    this.#size += size;
  }

  finish(): EntryBatch[] {
    if (this.#entries.length > 0) this.#cut();
    return this.#batches;
  }

  #cut(): void {
    this.#batches.push({ entries: this.#entries, position: 0 });
    this.#entries = [];
    this.#size = 0;
  }
}

function entryBytes(entry: Entry): number {
  return entry.key.length + entry.end - entry.start + ENTRY_OVERHEAD_BYTES;
}
