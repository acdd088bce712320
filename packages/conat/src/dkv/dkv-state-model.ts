import { ConatError } from "../protocol/conat-error.ts";
import { createEntry, type Entry, valueBytes } from "../protocol/entry.ts";
import { decodeValue, encodeValue } from "../protocol/value-codec.ts";
import type { Mutation, WriteResult } from "../session/session.ts";
import type { ConfirmedChange, LostWrite, MergeBytes } from "./dkv-effects.ts";
import { DkvState } from "./dkv-state.ts";
import { carriedBy, type LocalWrite, type WriteOutcome } from "./local-write.ts";
import { hasValue } from "./visible.ts";

/**
 * A world small enough to think about, for property tests of {@link DkvState}: one server that does what JetStream
 * does with a bucket, and clients whose lines to it may be slow, cut, or deliver twice. No time passes in it.
 */

/** Writes a client has under way at most; fewer than there are keys, so that schedules fill it. */
const WINDOW = 2;

/** The server: one sequence, the newest entry of each key, and a memory of write ids. */
export class ModelServer {
  epoch = "epoch-1";
  seq = 0;
  readonly newest = new Map<string, Entry>();
  /** Every entry ever stored in this epoch, in order. */
  history: Entry[] = [];
  /** The last destruction of the store. */
  floor: Entry | undefined;
  /** Writes of broken lines that are still somewhere on the way. */
  readonly late: Mutation[] = [];
  readonly #ids = new Map<string, number>();
  #epochs = 1;

  write(mutation: Mutation): WriteResult {
    const { key, origin, write, expectedSeq } = mutation;
    const id = `${origin}.${write}`;
    const known = this.#ids.get(id);
    const current = this.newest.get(key);
    if (expectedSeq !== undefined && expectedSeq !== (current?.seq ?? 0)) {
      return { write, ok: false, error: new ConatError("conflict", "wrong sequence", { current }) };
    }
    if (known !== undefined) return { write, ok: true, seq: known, duplicate: true };
    this.seq += 1;
    const entry = createEntry({
      key,
      seq: this.seq,
      time: this.seq,
      origin,
      write,
      kind: mutation.value === undefined ? "delete" : "put",
      ...(mutation.value ? { value: mutation.value } : {}),
    });
    this.newest.set(key, entry);
    this.history.push(entry);
    this.#ids.set(id, this.seq);
    return { write, ok: true, seq: this.seq, duplicate: false };
  }

  /** A write of a broken line arrives after all. */
  arriveLate(): void {
    const mutation = this.late.shift();
    if (mutation) this.write(mutation);
  }

  /** The memory of ids ends with the dedupe window, which is longer than anything stays on the way. */
  forgetIds(): void {
    this.late.length = 0;
    this.#ids.clear();
  }

  /** The lifetime of a value ends. */
  expire(key: string): void {
    if (this.newest.get(key)?.kind !== "put") return;
    this.seq += 1;
    const entry = createEntry({ key, seq: this.seq, time: this.seq, kind: "expiry" });
    this.newest.set(key, entry);
    this.history.push(entry);
  }

  /** A removal marker reaches the end of its life; nobody is told. */
  expireMarker(key: string): void {
    if (this.newest.get(key)?.kind !== "put") this.newest.delete(key);
  }

  /** The store is destroyed: what is older goes, and the record of that takes its place. */
  destroy(): void {
    this.seq += 1;
    this.floor = createEntry({ key: "", seq: this.seq, time: this.seq, kind: "floor" });
    this.newest.clear();
    this.history.push(this.floor);
  }

  /** What a reader is told who has seen everything up to `seq`: everything that is stored and newer, in order. */
  since(seq: number): Entry[] {
    const stored = [...this.newest.values(), ...(this.floor ? [this.floor] : [])];
    return stored.filter((entry) => entry.seq > seq).sort((one, other) => one.seq - other.seq);
  }

  /**
   * The bucket is as it was when it had `kept` messages: memory was lost (0), or an older backup was restored. Writes of
   * broken lines may still arrive.
   */
  goBack(kept: number): void {
    this.#epochs += 1;
    this.epoch = `epoch-${this.#epochs}`;
    this.history = this.history.slice(0, kept);
    this.seq = this.history.at(-1)?.seq ?? 0;
    this.newest.clear();
    this.#ids.clear();
    this.floor = undefined;
    for (const entry of this.history) {
      if (entry.kind === "floor") {
        this.floor = entry;
        this.newest.clear();
        continue;
      }
      this.newest.set(entry.key, entry);
      this.#ids.set(`${entry.origin}.${entry.write}`, entry.seq);
    }
  }
}

export interface Settled {
  readonly write: LocalWrite;
  readonly outcome: WriteOutcome;
}

/** One client: a state, and the two directions of its line to the server. */
export class ModelClient {
  readonly origin: string;
  readonly state: DkvState;
  readonly changes: ConfirmedChange[] = [];
  readonly settled: Settled[] = [];
  readonly writes: LocalWrite[] = [];
  readonly lost: LostWrite[] = [];
  merges = 0;
  /** Offers again what the server has lost. */
  reoffers = false;
  /** Sequence of the last destruction that this client was told of. */
  floor = 0;
  online = false;
  readonly #server: ModelServer;
  #toServer: Mutation[] = [];
  #toClient: (() => void)[] = [];
  #fed = 0;
  #epoch = "";
  /** Everything of that epoch up to there has been told. */
  #seen: { readonly epoch: string; seq: number } | undefined;
  #verifying: { write: LocalWrite; seq: number }[] = [];
  #lastWrite = 0;

  constructor(origin: string, server: ModelServer, merge?: MergeBytes) {
    this.origin = origin;
    this.#server = server;
    this.state = new DkvState(
      {
        changed: (change) => void this.changes.push(change),
        localChanged: () => {},
        settled: (write, outcome) => void this.settled.push({ write, outcome }),
        merged: () => {
          this.merges += 1;
        },
        mergeFailed: () => {},
        verify: (write, seq) => void this.#verifying.push({ write, seq }),
        lost: (writes) => this.#onLost(writes),
        nextWrite: () => this.nextWrite(),
        backOff: (key) => this.state.release(key),
      },
      merge,
    );
    this.state.ownOrigin = origin;
  }

  #onLost(writes: readonly LostWrite[]): void {
    this.lost.push(...writes);
    if (!this.reoffers) return;
    for (const lost of writes.filter(({ key }) => this.state.takesOffer(key))) {
      const write = this.#newWrite(lost.key, lost.value, undefined, false);
      this.writes.push(write);
      this.state.offer(write);
    }
  }

  nextWrite(): number {
    this.#lastWrite += 1;
    return this.#lastWrite;
  }

  #newWrite(
    key: string,
    value: Uint8Array | undefined,
    ifSeq: number | undefined,
    quiet: boolean,
  ): LocalWrite {
    const id = this.nextWrite();
    const rest = { ttlMs: 0, headers: undefined, carries: undefined, merges: 0, quiet };
    return { id, key, value, ifSeq, at: 0, outcome: undefined, ...rest };
  }

  set(key: string, value: unknown, ifSeq?: number, quiet = false): LocalWrite {
    const bytes = value === undefined ? undefined : encodeValue(value);
    const write = this.#newWrite(key, bytes, ifSeq, quiet);
    this.writes.push(write);
    this.state.write(write);
    return write;
  }

  get(key: string): unknown {
    const visible = this.state.visible(key);
    if (visible === undefined || !hasValue(visible)) return undefined;
    const bytes = "kind" in visible ? valueBytes(visible) : visible.value;
    return bytes && decodeValue(bytes);
  }

  connect(mode: "full" | "delta"): void {
    if (this.online) return;
    this.online = true;
    this.#load(mode);
  }

  /** Connects, and loses the line again after so many entries. */
  glimpse(entries: number): void {
    if (!this.online) this.#load("full", entries);
  }

  #load(mode: "full" | "delta", entries?: number): void {
    const server = this.#server;
    const delta = mode === "delta" && this.#seen?.epoch === server.epoch ? this.#seen : undefined;
    this.state.reset({
      type: "reset",
      mode: delta ? "delta" : "full",
      epoch: server.epoch,
      durability: "os",
    });
    this.#epoch = server.epoch;
    const told = server.since(delta?.seq ?? 0).slice(0, entries);
    for (const entry of told) this.#apply(entry);
    if (entries !== undefined) return;
    this.#seen = { epoch: server.epoch, seq: server.seq };
    this.state.synced({ ...this.#seen, time: server.seq });
    this.state.resolveAmbiguous();
    this.#fed = server.history.length;
  }

  /** Cuts the line. Of what was on its way, `reaches` writes arrive now and the rest late or never; answers do not. */
  cut(reaches: number): void {
    if (!this.online) return;
    this.online = false;
    const sent = this.#toServer;
    this.#toServer = [];
    for (const mutation of sent.slice(0, reaches)) this.#server.write(mutation);
    this.#server.late.push(...sent.slice(reaches));
    this.#toClient = [];
    this.#verifying = [];
    for (const id of this.#unanswered) {
      this.state.answered({ write: id, ok: false, error: new ConatError("ambiguous", "cut") });
    }
    this.#unanswered.clear();
  }

  readonly #unanswered = new Set<number>();

  /** Sends up to `limit` writes. */
  send(limit: number): void {
    if (!this.online) return;
    const room = Math.min(limit, WINDOW - this.state.inFlightCount);
    if (room <= 0) return;
    for (const { write, expectedSeq } of this.state.take(room)) {
      const { key, value, id, ttlMs, headers } = write;
      this.#unanswered.add(id);
      this.#toServer.push({
        key,
        value,
        origin: this.origin,
        write: id,
        expectedSeq,
        ttlMs,
        headers,
      });
    }
  }

  /** The next write of this line is not taken: never (`forbidden`), or not now (`unavailable`). */
  refuse(kind: "forbidden" | "unavailable"): void {
    const mutation = this.#toServer.shift();
    if (mutation === undefined) return;
    const error = new ConatError(kind, "not stored");
    this.#toClient.push(() => {
      if (this.#unanswered.delete(mutation.write)) {
        this.state.answered({ write: mutation.write, ok: false, error });
      }
    });
    // After a pause, as the runner does.
    this.#toClient.push(() => this.state.resolveAmbiguous());
  }

  /** Takes back one of the writes that have not ended. */
  discard(which: number): void {
    const ended = new Set(this.settled.flatMap(({ write }) => carriedBy(write)));
    const open = this.writes.filter(({ id }) => !ended.has(id));
    const write = open[which % Math.max(1, open.length)];
    if (write) this.state.discard(write.id);
  }

  /** The server takes the next write of this line. The answer and the entry race back in either order. */
  serve(ackFirst: boolean): void {
    const mutation = this.#toServer.shift();
    if (mutation === undefined) return;
    const result = this.#server.write(mutation);
    const answer = (): void => {
      if (!this.#unanswered.delete(result.write)) return;
      this.state.answered(result);
    };
    if (ackFirst) this.#toClient.push(answer);
    else {
      this.#feed();
      this.#toClient.push(answer);
    }
  }

  /** Puts what was stored since on the line to the client, as the live feed does. */
  #feed(): void {
    const { history, epoch } = this.#server;
    if (epoch !== this.#epoch) return;
    for (; this.#fed < history.length; this.#fed += 1) {
      const entry = history[this.#fed];
      if (entry) this.#toClient.push(() => this.#take(entry));
    }
  }

  #apply(entry: Entry): void {
    if (entry.kind === "floor") this.floor = Math.max(this.floor, entry.seq);
    this.state.apply(entry);
  }

  #take(entry: Entry): void {
    this.#apply(entry);
    if (this.#seen) this.#seen.seq = Math.max(this.#seen.seq, entry.seq);
    this.state.forgetMarkers();
  }

  /** The client takes the next thing on its line. */
  deliver(): void {
    if (!this.online) return;
    if (this.#epoch !== this.#server.epoch && this.#toClient.length === 0) this.#load("full");
    this.#feed();
    this.#toClient.shift()?.();
    for (const { write, seq } of this.#verifying.splice(0)) {
      this.state.verified(write.id, seq, this.#server.newest.get(write.key));
    }
  }

  /** Nothing is left to send or to take. */
  get quiet(): boolean {
    this.#feed();
    return (
      this.#epoch === this.#server.epoch &&
      this.#toServer.length === 0 &&
      this.#toClient.length === 0 &&
      !this.state.hasSendable &&
      !this.state.hasAmbiguous
    );
  }
}
