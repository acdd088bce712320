import { ConatError, toConatError } from "../protocol/conat-error.ts";
import type { Entry } from "../protocol/entry.ts";
import type { Durability } from "../protocol/feed-position.ts";
import { IN_FLIGHT_WINDOW } from "../protocol/limits.ts";
import type { StoreRef } from "../protocol/scope.ts";
import type { Feed, FeedEvent, Mutation, Session, WriteResult } from "../session/session.ts";
import { BoundKeys } from "./bound-keys.ts";
import { ChangeNotifier } from "./change-notifier.ts";
import type {
  ConfirmedChange,
  DkvEffects,
  LostWrite,
  MergeBytes,
  MergedConflict,
} from "./dkv-effects.ts";
import { DkvState } from "./dkv-state.ts";
import { carriedBy, type LocalWrite, type WriteOutcome } from "./local-write.ts";
import { type FailedWrite, WriteLedger } from "./write-ledger.ts";

/** `loading`: no snapshot yet. `stale`: shows what was known when the connection broke. */
export type StoreStatus = "loading" | "live" | "stale" | "storage-full" | "closed";

/** What the runner tells the store that the application holds. */
export interface RunnerListener {
  onChange(change: ConfirmedChange): void;
  onMerged(conflict: MergedConflict): void;
  onFailed(write: LocalWrite, error: ConatError): void;
  onLost(write: LostWrite): void;
  onStable(): void;
  /** The ledger has changed. */
  onWrites(): void;
  onStatus(status: StoreStatus): void;
  onError(error: ConatError): void;
  onClosed(error: ConatError): void;
}

export interface RunnerOptions {
  readonly session: Session;
  readonly ref: StoreRef;
  readonly merge: MergeBytes | undefined;
  /** Offer again what the server has lost. */
  readonly reoffer: boolean;
  readonly autosave: boolean;
}

/** One change that the application asks for. */
export interface WriteRequest {
  readonly key: string;
  readonly value: Uint8Array | undefined;
  readonly ttlMs: number;
  readonly headers: LocalWrite["headers"];
  readonly ifSeq: number | undefined;
  readonly quiet: boolean;
  readonly untilDisconnect?: boolean | undefined;
  readonly isUpdate?: boolean | undefined;
}

/** First pause after a write that could not be sent, and the longest, in milliseconds. */
const RETRY_MIN_MS = 100;
const RETRY_MAX_MS = 5_000;

/** Longest pause before a merged write is sent again, in milliseconds. */
const MERGE_BACKOFF_MAX_MS = 250;

/** Does for one {@link DkvState} what it asks: sends writes, feeds it entries and answers, keeps the ledger. */
export class DkvRunner implements DkvEffects {
  readonly state: DkvState;
  readonly ledger: WriteLedger = new WriteLedger();
  readonly notifier: ChangeNotifier = new ChangeNotifier();
  readonly #session: Session;
  readonly #ref: StoreRef;
  readonly #reoffer: boolean;
  readonly #autosave: boolean;
  readonly #listener: RunnerListener;
  readonly #bound = new BoundKeys();
  readonly #timers = new Set<ReturnType<typeof setTimeout>>();
  #feed: Feed | undefined;
  #status: StoreStatus = "loading";
  #durability: Durability = "unknown";
  #flushQueued = false;
  /** What vanishes now is what the snapshot lacks. */
  #isReload = false;
  #writesQueued = false;
  /** A pause between attempts is running; nothing is sent until it ends. */
  #pausing = false;
  #failures = 0;
  /** Everything written up to this number is sent although the store does not save by itself. */
  #savedUpTo = 0;

  constructor(options: RunnerOptions, listener: RunnerListener) {
    this.#session = options.session;
    this.#ref = options.ref;
    this.#reoffer = options.reoffer;
    this.#autosave = options.autosave;
    this.#listener = listener;
    this.state = new DkvState(this, options.merge);
  }

  get status(): StoreStatus {
    return this.#status;
  }

  get durability(): Durability {
    return this.#durability;
  }

  get ref(): StoreRef {
    return this.#ref;
  }

  open(): void {
    this.#feed = this.#session.openStore(this.#ref, (event) => this.#onFeed(event), {
      told: this.state.told,
    });
  }

  // ── writing ──────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Adds a local write; it is sent before control returns to the event loop. */
  write(request: WriteRequest): LocalWrite {
    const write = this.#newWrite(request);
    this.notifier.batch(this.#writeToState, write);
    this.#flushSoon();
    return write;
  }

  readonly #writeToState = (write: LocalWrite): void => this.state.write(write);

  #newWrite(request: WriteRequest): LocalWrite {
    const id = this.#session.nextWrite();
    const { key, value, ttlMs, headers, ifSeq, quiet, untilDisconnect, isUpdate } = request;
    // Field by field: it is done for every write, and a spread costs several times as much.
    const write: LocalWrite = {
      id,
      key,
      value,
      ttlMs,
      headers,
      ifSeq,
      carries: undefined,
      merges: 0,
      quiet,
      untilDisconnect,
      isUpdate,
      at: Date.now(),
      outcome: undefined,
    };
    this.ledger.add(write);
    this.#bound.written(id, request);
    this.#tellWrites();
    return write;
  }

  /** Sends what a store that does not save by itself has held back so far. */
  flush(): void {
    this.#savedUpTo = this.ledger.newest;
    this.flushNow();
  }

  #flushSoon(): void {
    if (this.#flushQueued || this.#pausing) return;
    this.#flushQueued = true;
    queueMicrotask(this.#flushQueuedNow);
  }

  readonly #flushQueuedNow = (): void => {
    this.#flushQueued = false;
    this.flushNow();
  };

  /** Sends everything at once, whatever it should wait for: there may be no later. */
  flushForGood(): void {
    this.#savedUpTo = this.ledger.newest;
    this.#send(Number.POSITIVE_INFINITY);
  }

  /** Sends at once what may be sent. */
  flushNow(): void {
    if (this.#pausing || (!this.#autosave && this.#savedUpTo === 0)) return;
    this.#send(IN_FLIGHT_WINDOW - this.state.inFlightCount);
  }

  #send(room: number): void {
    if (this.#status !== "live" && this.#status !== "storage-full") return;
    if (room <= 0 || !this.state.hasSendable) return;
    const { origin } = this.#session;
    this.state.ownOrigin = origin;
    const upTo = this.#autosave ? Number.POSITIVE_INFINITY : this.#savedUpTo;
    const mutations = this.state.take(room, upTo).map(({ write, expectedSeq }): Mutation => {
      const { id, key, value, ttlMs, headers, untilDisconnect, isUpdate } = write;
      // Field by field, as in newWrite.
      return {
        key,
        value,
        ttlMs,
        headers,
        untilDisconnect,
        isUpdate,
        origin,
        write: id,
        expectedSeq,
      };
    });
    if (mutations.length > 0) this.#session.write(this.#ref, mutations, this.#onResult);
  }

  readonly #answerState = (result: WriteResult): void => this.state.answered(result);

  readonly #onResult = (result: WriteResult): void => {
    if (this.#status === "closed") return;
    this.notifier.batch(this.#answerState, result);
    if (result.ok) this.#failures = 0;
    else if (result.error.kind === "unavailable" || result.error.kind === "ambiguous")
      this.#pause();
    if (result.ok && this.#status === "storage-full") this.#setStatus("live");
    if (!result.ok && result.error.kind === "storage-full" && this.#status === "live") {
      this.#setStatus("storage-full");
    }
    if (this.state.hasSendable) this.#flushSoon();
  };

  /** Waits with growing, jittered pauses before anything is sent again while the store stays live. */
  #pause(): void {
    if (this.#pausing || this.#status === "stale") return;
    this.#pausing = true;
    const longest = Math.min(RETRY_MAX_MS, RETRY_MIN_MS * 2 ** this.#failures);
    this.#failures += 1;
    this.#after(longest * (0.5 + Math.random() / 2), () => {
      this.#pausing = false;
      if (this.#status === "stale" || this.#status === "loading") return;
      this.notifier.batch(() => this.state.resolveAmbiguous());
      this.flushNow();
    });
  }

  /** Sets anew what a hub may have removed, or may not know to last as long as this client. */
  #assertBound(): void {
    if (this.#bound.hasDoubtful && this.#status === "live") queueMicrotask(this.#assertBoundNow);
  }

  readonly #assertBoundNow = (): void => {
    if (this.#status !== "live") return;
    const requests = this.#bound.takeDoubtful(this.state, this.#session.origin);
    for (const request of requests) this.write(request);
  };

  /** Removes what lasts until this client disconnects: nobody would set it anew any more. */
  endBound(): void {
    if (this.#status !== "live") return;
    for (const key of this.#bound.keys()) {
      const ifSeq = this.state.knownSeq(key);
      this.write({ key, value: undefined, ttlMs: 0, headers: undefined, ifSeq, quiet: true });
    }
  }

  /** The newest write of a key, if it has not ended. */
  newestWrite(key: string): LocalWrite | undefined {
    const id = this.state.newestWrite(key);
    return id === undefined ? undefined : this.ledger.get(id);
  }

  discard(id: number): boolean {
    return this.notifier.batch(() => this.state.discard(id));
  }

  // ── the feed ─────────────────────────────────────────────────────────────────────────────────────────────────────

  #onFeed(event: FeedEvent): void {
    this.state.ownOrigin = this.#session.origin;
    switch (event.type) {
      case "reset":
        this.#durability = event.durability;
        this.state.reset(event);
        return;
      case "entries":
        this.notifier.batch(() => {
          for (const entry of event.batch.entries) this.state.apply(entry);
        });
        if (event.batch.position > 0) this.state.forgetMarkers();
        if (this.state.hasSendable) this.#flushSoon();
        return;
      case "synced":
        this.notifier.batch(() => {
          this.#isReload = true;
          this.state.synced(event.checkpoint);
          this.#isReload = false;
          this.state.resolveAmbiguous();
        });
        this.#bound.synced(this.state);
        this.#failures = 0;
        this.#pausing = false;
        this.#setStatus("live");
        this.flushNow();
        this.#assertBound();
        return;
      case "stale":
        this.#setStatus(this.#status === "loading" ? "loading" : "stale");
        return;
      case "closed":
        this.close(event.error);
        return;
    }
  }

  #setStatus(status: StoreStatus): void {
    if (this.#status === status || this.#status === "closed") return;
    this.#status = status;
    this.#listener.onStatus(status);
  }

  // ── what the state asks for ──────────────────────────────────────────────────────────────────────────────────────

  changed(change: ConfirmedChange): void {
    this.notifier.mark(change.entry.key);
    this.#bound.changed(change, this.#isReload);
    this.#assertBound();
    this.#listener.onChange(change);
  }

  localChanged(key: string): void {
    this.notifier.mark(key);
  }

  settled(write: LocalWrite, outcome: WriteOutcome): void {
    const failed = outcome.status === "rejected" || outcome.status === "outcome-unknown";
    for (const id of carriedBy(write)) {
      const ended = this.ledger.settle(id, outcome, !write.quiet);
      if (ended && failed && !write.quiet) this.#listener.onFailed(ended, outcome.error);
    }
    this.#bound.settled(write, outcome);
    this.#assertBound();
    this.#tellWrites();
    if (this.ledger.size === 0) this.#listener.onStable();
  }

  #tellWrites(): void {
    if (this.#writesQueued) return;
    this.#writesQueued = true;
    queueMicrotask(this.#tellWritesNow);
  }

  readonly #tellWritesNow = (): void => {
    this.#writesQueued = false;
    this.#listener.onWrites();
  };

  /** Takes a failed write off the list. */
  forget(id: number): FailedWrite | undefined {
    const failed = this.ledger.forget(id);
    if (failed) this.#tellWrites();
    return failed;
  }

  merged(conflict: MergedConflict): void {
    this.notifier.mark(conflict.key);
    this.#listener.onMerged(conflict);
  }

  mergeFailed(key: string, error: unknown): void {
    const message = `merge gave nothing that can be stored for ${JSON.stringify(key)}; the local value was kept`;
    this.#listener.onError(new ConatError("internal", message, { cause: error }));
  }

  verify(write: LocalWrite, seq: number): void {
    this.#session.read(this.#ref, write.key).then(
      (current: Entry | undefined) => {
        this.notifier.batch(() => this.state.verified(write.id, seq, current));
        this.#flushSoon();
      },
      (error: unknown) => this.#onResult({ write: write.id, ok: false, error: ambiguous(error) }),
    );
  }

  lost(writes: readonly LostWrite[]): void {
    const message = `${writes.length} acknowledged writes are gone: the server lost its memory, or an older backup was restored`;
    this.#listener.onError(new ConatError("epoch-lost", message));
    for (const lost of writes) this.#listener.onLost(lost);
    if (!this.#reoffer) return;
    for (const { key, value, ttlMs, headers } of writes) {
      if (!this.state.takesOffer(key)) continue;
      const request = { key, value, ttlMs, headers, ifSeq: undefined, quiet: false };
      this.state.offer(this.#newWrite(request));
    }
  }

  nextWrite(): number {
    return this.#session.nextWrite();
  }

  backOff(key: string, merges: number): void {
    const longest = merges <= 1 ? 0 : Math.min(MERGE_BACKOFF_MAX_MS, 2 ** merges);
    if (longest === 0) {
      this.state.release(key);
      return;
    }
    this.#after(Math.random() * longest, () => {
      this.state.release(key);
      this.flushNow();
    });
  }

  // ── the end ──────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Ends the feed and every write that has not ended. Idempotent. */
  close(error: ConatError): void {
    if (this.#status === "closed") return;
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers.clear();
    this.#feed?.close();
    this.#setStatus("closed");
    this.notifier.batch(() => {
      this.state.close(error);
      if (error.kind === "revoked" || error.kind === "forbidden") this.state.forget();
    });
    this.ledger.close();
    this.#listener.onClosed(error);
    this.notifier.clear();
  }

  #after(delayMs: number, work: () => void): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      work();
    }, delayMs);
    this.#timers.add(timer);
  }
}

function ambiguous(cause: unknown): ConatError {
  return new ConatError("ambiguous", toConatError(cause).message, { cause });
}
