import {
  type Checkpoint,
  ConatError,
  type Entry,
  type EntryBatch,
  type Feed,
  type FeedEntries,
  type FeedEvent,
  type FeedListener,
  type FeedReset,
  type FeedSynced,
  type Session,
  type StoreRef,
} from "@conat/conat/internal";
import { Replica, splitBatch } from "./replica.ts";

export interface SharedStoreOptions {
  readonly ref: StoreRef;
  readonly inner: Pick<Session, "openStore" | "serverTime">;
  readonly markerTtlMs: number;
  readonly chunkBytes: number;
  /** Whether a checkpoint is of the history that the store has now; undefined believes it. */
  readonly knows?: ((ref: StoreRef, checkpoint: Checkpoint) => Promise<boolean>) | undefined;
  /** How long a snapshot is handed to further readers before it is made anew, in milliseconds. */
  readonly snapshotReuseMs: number;
  /** Whether the next change is about to follow, where the feed below does not say so. */
  readonly isContested?: (() => boolean) | undefined;
  /** The replica has grown by this many bytes, or shrunk. */
  readonly onBytes: (difference: number) => void;
  /** The last reader has left. */
  readonly onUnused: (store: SharedStore) => void;
  /** The feed below has ended for good. */
  readonly onEnded: (store: SharedStore) => void;
  /** A reader's listener has thrown; the other readers go on. */
  readonly onReaderError: (error: unknown) => void;
}

/**
 * Where the replica stands. `loading`: its first snapshot is under way. `reloading`: a further snapshot is collected
 * beside it. `catching-up`: a delta is under way. `stale`: waiting for either.
 */
type State = "loading" | "reloading" | "catching-up" | "stale" | "live" | "ended";

/** A reader that waits hears nothing but `stale` until the replica can serve it. */
class Reader implements Feed {
  readonly listener: FeedListener;
  /** Where {@link since} is from: this history, another one, or that is being found out. */
  origin: "here" | "elsewhere" | "unknown";
  readonly #store: SharedStore;
  #since: Checkpoint | undefined;
  #waits = true;

  constructor(
    store: SharedStore,
    listener: FeedListener,
    since: Checkpoint | undefined,
    isBelieved: boolean,
  ) {
    this.#store = store;
    this.listener = listener;
    this.#since = since;
    this.origin = isBelieved ? "here" : "unknown";
  }

  get waits(): boolean {
    return this.#waits;
  }

  /** Where it continues from, while it waits. */
  get since(): Checkpoint | undefined {
    return this.#since;
  }

  /** It waits no more, and keeps nothing of its checkpoint: that may name a great many sequences. */
  admit(): void {
    this.#waits = false;
    this.#since = undefined;
  }

  close(): void {
    this.#store.detach(this);
  }
}

/** No bucket has it: makes a reader forget what it has from a history that is gone. */
const NO_EPOCH = "";

/** Pause before it is asked again where a checkpoint is from, in milliseconds. */
const ASK_AGAIN_MS = 1_000;

/** Markers live for whole seconds, and the clocks of hub and server differ. */
const CLOCK_MARGIN_MS = 1_000;

/**
 * How long before its checkpoint a reader may have missed what it doubts, in milliseconds: longer than any session goes
 * without a look at a store.
 */
const DOUBTED_MS = 60_000;

/** Entries after which a kept snapshot is made anew instead of being sent with its followers. */
const MAX_TAIL_ENTRIES = 1_000;

interface KeptSnapshot {
  readonly batches: readonly EntryBatch[];
  readonly tail: EntryBatch[];
  tailEntries: number;
}

/** One feed and one replica of a store, however many readers it has. */
export class SharedStore {
  readonly ref: StoreRef;
  readonly #options: SharedStoreOptions;
  readonly #readers = new Set<Reader>();
  #feed: Feed | undefined;
  #state: State = "loading";
  #replica: Replica | undefined;
  /** The snapshot being collected while `reloading`. */
  #incoming: Replica | undefined;
  #kept: KeptSnapshot | undefined;
  #keptTimer: NodeJS.Timeout | undefined;
  #reportedBytes = 0;
  /** Up to here the feed below has held what it told against what is stored. */
  #verified = 0;

  constructor(options: SharedStoreOptions) {
    this.ref = options.ref;
    this.#options = options;
    this.#feed = options.inner.openStore(options.ref, (event) => this.#onEvent(event));
  }

  get readers(): number {
    return this.#readers.size;
  }

  get bytes(): number {
    return this.#reportedBytes;
  }

  /** What is stored under a key, a removal included, while the replica is up to date. */
  currentOf(key: string): Entry | undefined {
    return this.#state === "live" ? this.#replica?.get(key) : undefined;
  }

  attach(listener: FeedListener, since: Checkpoint | undefined): Feed {
    const isBelieved = since === undefined || this.#options.knows === undefined;
    const reader = new Reader(this, listener, since, isBelieved);
    this.#readers.add(reader);
    queueMicrotask(() => this.#welcome(reader));
    return reader;
  }

  /** A reader that {@link attach} has made is closed. */
  detach(reader: Reader): void {
    if (!this.#readers.delete(reader)) return;
    if (this.#readers.size === 0 && this.#state !== "ended") this.#options.onUnused(this);
  }

  /** Drops markers that have outlived their purpose. */
  sweep(): void {
    this.#replica?.sweepMarkers(this.#options.inner.serverTime());
    this.#reportBytes();
  }

  /** Ends the feed below and the replica. Readers that are left hear nothing more. */
  close(): void {
    this.#state = "ended";
    this.#feed?.close();
    this.#feed = undefined;
    this.#readers.clear();
    this.#replica = undefined;
    this.#incoming = undefined;
    this.#dropKept();
    this.#reportBytes();
  }

  #onEvent(event: FeedEvent): void {
    if (this.#state === "ended") return;
    switch (event.type) {
      case "reset":
        this.#onReset(event);
        break;
      case "entries":
        this.#onEntries(event);
        break;
      case "synced":
        this.#onSynced(event);
        break;
      case "verified":
        this.#verified = event.seq;
        this.#tell(event);
        break;
      case "stale":
        if (this.#state !== "loading") this.#state = "stale";
        this.#tellAll(event);
        break;
      case "closed":
        this.end(event.error);
        return;
    }
    this.#reportBytes();
  }

  #onReset(event: FeedReset): void {
    const sameEpoch = this.#replica?.epoch === event.epoch;
    if (this.#state !== "loading" && sameEpoch) {
      this.#state = event.mode === "full" ? "reloading" : "catching-up";
      this.#incoming = event.mode === "full" ? this.#emptyReplica(event) : undefined;
      if (event.mode === "delta") this.#tell(event);
      return;
    }
    if (event.mode === "delta") {
      const what = "the store's feed continued from a place it had never reached";
      this.end(new ConatError("internal", what));
      return;
    }
    this.#state = "loading";
    this.#replica = this.#emptyReplica(event);
    this.#incoming = undefined;
    this.#dropKept();
    for (const reader of this.#readers) {
      if (reader.waits && reader.since?.epoch === event.epoch) continue;
      reader.admit();
      this.#tellOne(reader, event);
    }
  }

  #onEntries({ batch, mayLinger = this.#options.isContested?.() }: FeedEntries): void {
    if (this.#state === "reloading") {
      this.#incoming?.apply(batch);
      return;
    }
    const fresh = this.#replica?.apply(batch, this.#state === "catching-up");
    if (fresh === undefined) return;
    // What comes in one piece from a server nearby is many frames to a reader far away.
    for (const part of splitBatch(fresh, this.#options.chunkBytes)) {
      this.#extendKept(part);
      this.#tell({ type: "entries", batch: part, mayLinger });
    }
  }

  #onSynced(event: FeedSynced): void {
    const { checkpoint, verified = checkpoint.seq } = event;
    if (this.#state === "reloading") this.#finishReload(checkpoint.seq);
    this.#verified = verified;
    this.#replica?.advance(checkpoint.seq);
    this.#state = "live";
    this.#tell(event);
    for (const reader of this.#readers) {
      if (reader.waits) this.#welcome(reader);
    }
  }

  #finishReload(upTo: number): void {
    const old = this.#replica;
    const next = this.#incoming;
    if (old === undefined || next === undefined) return;
    const { changed, vanished } = old.reconcile(next, upTo, this.#options.inner.serverTime());
    this.#replica = next;
    this.#incoming = undefined;
    this.#dropKept();
    this.#tell(resetOf(next, vanished ? "full" : "delta"));
    for (const batch of vanished ? this.#snapshot(next) : changed) {
      this.#tell({ type: "entries", batch });
    }
  }

  /** Ends the feed below and the replica, and tells the readers why. */
  end(error: ConatError): void {
    const readers = [...this.#readers];
    this.close();
    this.#options.onEnded(this);
    for (const reader of readers) this.#tellOne(reader, { type: "closed", error });
  }

  /** A new reader joins a load that is under way, or is served from the replica, or waits until it can be. */
  #welcome(reader: Reader): void {
    if (!reader.waits || !this.#readers.has(reader)) return;
    const replica = this.#replica;
    if (this.#state === "live") {
      if (reader.origin === "unknown" && reader.since?.epoch === replica?.epoch) {
        void this.#findOrigin(reader);
      } else {
        this.#serve(reader);
      }
    } else if (this.#state === "loading" && replica && reader.since?.epoch !== replica.epoch) {
      reader.admit();
      this.#tellOne(reader, resetOf(replica, "full"));
      for (const batch of replica.snapshot()) this.#tellOne(reader, { type: "entries", batch });
    }
  }

  /** A reader that has seen more than the store ever had is from before a backup was restored. */
  async #findOrigin(reader: Reader): Promise<void> {
    const { knows } = this.#options;
    if (knows === undefined || reader.since === undefined) return;
    try {
      reader.origin = (await knows(this.ref, reader.since)) ? "here" : "elsewhere";
      this.#welcome(reader);
    } catch {
      // The server could not say.
      setTimeout(() => this.#welcome(reader), ASK_AGAIN_MS).unref();
    }
  }

  #serve(reader: Reader): void {
    const replica = this.#replica;
    if (replica === undefined) return;
    const { since } = reader;
    reader.admit();
    const isElsewhere = reader.origin === "elsewhere";
    if (isElsewhere) this.#tellOne(reader, { ...resetOf(replica, "full"), epoch: NO_EPOCH });
    const time = this.#options.inner.serverTime();
    replica.sweepMarkers(time);
    const isDelta =
      !isElsewhere &&
      since?.epoch === replica.epoch &&
      since.time - (since.doubt ? DOUBTED_MS : 0) > replica.completeSince;
    this.#tellOne(reader, resetOf(replica, isDelta ? "delta" : "full"));
    const batches = isDelta ? replica.since(since.seq, since.doubt) : this.#snapshot(replica);
    for (const batch of batches) this.#tellOne(reader, { type: "entries", batch });
    // A reader that comes from another hub may be ahead of this one by what is on its way here. Of what it doubts it may
    // lack some of that: it is no further than this hub, or a pause would take it past that.
    const before = isDelta ? (since.doubt?.verified ?? since.seq) : 0;
    const seq = Math.max(replica.position, before);
    const verified = Math.max(this.#verified, before);
    const checkpoint = { epoch: replica.epoch, seq, time };
    this.#tellOne(reader, { type: "synced", checkpoint, verified });
  }

  /** The same batches for all who come within a short time: their encoded form is then made only once. */
  #snapshot(replica: Replica): readonly EntryBatch[] {
    if (this.#kept) return [...this.#kept.batches, ...this.#kept.tail];
    const batches = replica.snapshot();
    if (this.#options.snapshotReuseMs > 0) {
      this.#kept = { batches, tail: [], tailEntries: 0 };
      this.#keptTimer = setTimeout(() => this.#dropKept(), this.#options.snapshotReuseMs);
      this.#keptTimer.unref();
    }
    return batches;
  }

  #extendKept(batch: EntryBatch): void {
    if (this.#kept === undefined) return;
    this.#kept.tail.push(batch);
    this.#kept.tailEntries += batch.entries.length;
    if (this.#kept.tailEntries > MAX_TAIL_ENTRIES) this.#dropKept();
  }

  #dropKept(): void {
    this.#kept = undefined;
    clearTimeout(this.#keptTimer);
    this.#keptTimer = undefined;
  }

  #emptyReplica({ epoch, durability }: FeedReset): Replica {
    const { inner, markerTtlMs, chunkBytes } = this.#options;
    const completeSince = inner.serverTime() - markerTtlMs + CLOCK_MARGIN_MS;
    return new Replica({ epoch, durability, markerTtlMs, completeSince, chunkBytes });
  }

  #tell(event: FeedEvent): void {
    for (const reader of this.#readers) {
      if (!reader.waits) this.#tellOne(reader, event);
    }
  }

  #tellAll(event: FeedEvent): void {
    for (const reader of this.#readers) this.#tellOne(reader, event);
  }

  /** Readers are strangers to each other: one that throws must not keep the next from hearing. */
  #tellOne(reader: Reader, event: FeedEvent): void {
    try {
      reader.listener(event);
    } catch (error) {
      this.#options.onReaderError(error);
    }
  }

  #reportBytes(): void {
    const bytes = (this.#replica?.bytes ?? 0) + (this.#incoming?.bytes ?? 0);
    const difference = bytes - this.#reportedBytes;
    if (difference === 0) return;
    this.#reportedBytes = bytes;
    this.#options.onBytes(difference);
  }
}

function resetOf(replica: Replica, mode: "full" | "delta"): FeedReset {
  return { type: "reset", mode, epoch: replica.epoch, durability: replica.durability };
}
