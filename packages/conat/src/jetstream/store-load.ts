import type { NatsConnection } from "@nats-io/nats-core";
import type { Subject } from "../protocol/subjects.ts";
import type { OpenBucket } from "./buckets.ts";
import { loadWithConsumer } from "./consumer-load.ts";
import { loadDelta, loadSnapshot } from "./direct-load.ts";
import { type DraftEntry, settleValues } from "./entry-codec.ts";
import type { EntryReader } from "./entry-reader.ts";
import type { ExchangeOptions } from "./exchange.ts";
import { readHead } from "./leader.ts";
import type { Lane, LoadLane } from "./load-lane.ts";
import { LoadRaced } from "./load-raced.ts";

/** Past so many sequences the server's scan for what changed costs more than a snapshot of a small store. */
const MAX_DELTA_GAP = 10_000;

/** Entries and bytes that are told at once: some 250 kB at 250 bytes each. */
const CHUNK_ENTRIES = 1_000;
const CHUNK_BYTES = 262_144;

/** What every load of a store has in common. */
export interface LoadSource {
  readonly connection: NatsConnection;
  readonly lane: LoadLane;
  readonly signal: AbortSignal;
  readonly bucket: OpenBucket;
  readonly filter: Subject;
  /** The store was too large for one request before. */
  readonly isLarge: boolean;
  readonly requestTimeoutMs: number;
}

export interface StoreLoad extends LoadSource {
  readonly reader: EntryReader;
  /** The reader has everything up to here, and may be told only what came later. */
  readonly since: number | undefined;
  /** Sequence that existed when the store was last looked at, if it was. */
  readonly knownHead: number | undefined;
  /** For who wants to know of sequences only: those it knows, which a large load leaves out, as it does all values. */
  readonly knows?: (seq: number) => boolean;
  /** Told once, before any entry. */
  begin(mode: "full" | "delta"): void;
  entries(entries: readonly DraftEntry[]): void;
}

export interface StoreLoaded {
  /** Everything up to this stream sequence was told. */
  readonly upTo: number;
  /** Sequence of the store's newest message when the load began; 0 when it had none. */
  readonly head: number;
  readonly isLarge: boolean;
}

/**
 * Brings a reader that listens to the live tail already up to what is stored, in the cheapest way that misses nothing:
 * nothing, what changed since, a snapshot in one request, or a temporary consumer.
 * @throws LoadRaced when it must be done again.
 */
export async function loadStore(load: StoreLoad): Promise<StoreLoaded> {
  const { bucket, filter, lane } = load;
  // Who was told something before may need nothing more.
  if (load.since === undefined) lane.start();
  const head = await readHead(load.connection, bucket, filter, load.requestTimeoutMs);
  // Something went without a marker that is still there: only everything tells what.
  const hasVanished = load.knownHead !== undefined && head < load.knownHead;
  const since = hasVanished ? undefined : load.since;
  if (since !== undefined && head <= since) {
    load.begin("delta");
    return { upTo: since, head, isLarge: load.isLarge };
  }
  const chunks = new Chunks(load);
  if (since !== undefined && head - since <= MAX_DELTA_GAP) {
    load.begin("delta");
    const upTo = await lane.small((on) =>
      loadDelta(toOptions(load, on), bucket, filter, since + 1, head, (message, headers) =>
        chunks.add(load.reader.told(message, headers)),
      ),
    );
    chunks.flush();
    return { upTo, head, isLarge: load.isLarge };
  }
  if (!load.isLarge) {
    const upTo = await loadSmall(load, head);
    if (upTo !== "too-large") return { upTo, head, isLarge: false };
  }
  load.begin(since === undefined ? "full" : "delta");
  const upTo = await lane.bulk((on) =>
    loadWithConsumer({
      ...toOptions(load, on),
      bucket,
      filter,
      from: since === undefined ? 0 : since + 1,
      reach: head,
      headersOnly: load.knows !== undefined,
      requestTimeoutMs: load.requestTimeoutMs,
      onStored: (message, delivery) => {
        if (load.knows?.(delivery.seq) === true) return;
        chunks.add(load.reader.delivered(message, delivery));
      },
    }),
  );
  chunks.flush();
  return { upTo, head, isLarge: true };
}

/** Tells nothing until the whole snapshot is there and known to be recent enough. */
async function loadSmall(load: StoreLoad, head: number): Promise<number | "too-large"> {
  const entries: DraftEntry[] = [];
  const outcome = await load.lane.small((on) =>
    loadSnapshot(toOptions(load, on), load.bucket, load.filter, (message, headers) => {
      const entry = load.reader.told(message, headers);
      if (entry !== undefined) entries.push(entry);
    }),
  );
  if (outcome.type === "too-large") return "too-large";
  const seen = load.since ?? 0;
  const upTo = outcome.type === "complete" ? outcome.upTo : seen;
  const isBehind = outcome.type === "complete" ? upTo < Math.max(head, seen) : head > 0;
  if (isBehind) throw new LoadRaced();
  load.begin("full");
  const kept = aboveFloor(entries);
  if (kept.length > 0) {
    settleValues(kept);
    load.entries(kept);
  }
  return upTo;
}

/** Without what a replica still holds of a store that was destroyed. */
function aboveFloor(entries: readonly DraftEntry[]): readonly DraftEntry[] {
  const floor = entries.find(({ kind }) => kind === "floor")?.seq ?? 0;
  return floor === 0 ? entries : entries.filter(({ seq }) => seq >= floor);
}

function toOptions(load: StoreLoad, on: Lane): ExchangeOptions {
  load.signal.throwIfAborted();
  return {
    connection: on.connection,
    idleTimeoutMs: on.idleTimeoutMs,
    signals: [load.signal, on.signal],
  };
}

/** Collects entries and tells them in portions, so that a large store is never held twice. */
class Chunks {
  readonly #load: StoreLoad;
  #entries: DraftEntry[] = [];
  #bytes = 0;

  constructor(load: StoreLoad) {
    this.#load = load;
  }

  add(entry: DraftEntry | undefined): void {
    if (entry === undefined) return;
    this.#entries.push(entry);
    this.#bytes += entry.end - entry.start;
    if (this.#entries.length >= CHUNK_ENTRIES || this.#bytes >= CHUNK_BYTES) this.flush();
  }

  flush(): void {
    const entries = this.#entries;
    if (entries.length === 0) return;
    this.#entries = [];
    this.#bytes = 0;
    settleValues(entries);
    this.#load.entries(entries);
  }
}
