import { setTimeout as sleep } from "node:timers/promises";
import type { NatsConnection, Subscription } from "@nats-io/nats-core";
import { ConatError } from "../protocol/conat-error.ts";
import type { Checkpoint } from "../protocol/feed-position.ts";
import { type StoreRef, storeKey } from "../protocol/scope.ts";
import { type Subject, storeFilter, storeLiveFilter } from "../protocol/subjects.ts";
import { backoffMs } from "../session/backoff.ts";
import type { Feed, FeedEvent, FeedListener } from "../session/session.ts";
import { tell } from "../util/tell.ts";
import { type BucketRow, IN_FLIGHT_MS } from "./bucket-row.ts";
import type { OpenBucket } from "./buckets.ts";
import type { DraftEntry } from "./entry-codec.ts";
import { EntryReader } from "./entry-reader.ts";
import type { FeedHost, ReadyState } from "./feed-host.ts";
import { FeedTail } from "./feed-tail.ts";
import { subscribeRaw } from "./frame-parser.ts";
import { HeldEntries } from "./held-entries.ts";
import { isGivenOutAgain } from "./history.ts";
import { readHead } from "./leader.ts";
import { LoadRaced } from "./load-raced.ts";
import { fromNatsError } from "./nats-error.ts";
import type { RawMessage } from "./raw-message.ts";
import { type LoadSource, loadStore } from "./store-load.ts";
import { verifyTail } from "./verify-tail.ts";

/** Live entries kept while a load runs, and their bytes; past it they are dropped and loaded instead. */
const MAX_HELD_ENTRIES = 20_000;
const MAX_HELD_BYTES = 16_777_216;

/** So often a check asks for the store's own newest message, although its bucket shows that nothing was missed. */
const CHECKS_TO_HEAD = 15;

/** With fewer stores of a bucket open, questions about each cost less than those about the bucket. */
const MIN_FOLLOWERS = 20;

/** Loads that raced with writes before that is told as a failure. */
const MAX_RACES = 6;

/** Loads after which a replica that is still behind counts as cut off from its leader: some seconds. */
const MAX_BEHIND = 3;

/** How things were at a check: what came before has arrived by the next one. */
interface Checked {
  /** Position of the feed. */
  readonly seq: number;
  /** By the server's clock. */
  readonly time: number;
  /** How far the bucket was known to be. By the next check a leader has been asked that knows what came before. */
  readonly reached: number;
}

/** One open store: follows the live tail, and loads whatever the tail cannot have told. */
export class StoreFeed implements Feed {
  readonly store: string;
  readonly #ref: StoreRef;
  readonly #listener: FeedListener;
  readonly #host: FeedHost;
  readonly #reader: EntryReader;
  readonly #held = new HeldEntries(MAX_HELD_ENTRIES, MAX_HELD_BYTES);
  #subscription: Subscription | undefined;
  #subscribedOn: NatsConnection | undefined;
  #subscribedTo: Subject | undefined;
  #bucket: OpenBucket | undefined;
  #row: BucketRow | undefined;
  /** The last that was told, entries apart. */
  #told: "nothing" | "reset" | "synced" | "stale" | "closed" = "nothing";
  /** Counts recoveries; a task that finds it changed has been overtaken. */
  #run = 0;
  /** Up to here the reader has everything for certain, so that a delta is enough; without it only everything will do. */
  #base: Checkpoint | undefined;
  /** What was told beyond the base. */
  readonly #tail = new FeedTail();
  /** Highest sequence seen of the store; everything up to it is told, or held to be told. */
  #position = 0;
  /** Server time by which that was stored. */
  #positionTime = 0;
  /** Everything up to here was loaded; the tail, on another connection, may still be about to tell it. */
  #loadedUpTo = 0;
  /** Sequence of the store's newest message as far as known. */
  #head: number | undefined;
  /** Up to here of the bucket nothing of the store is missing. */
  #completeUpTo = 0;
  /** Nothing that came by was dropped, for a load to bring it, since a look showed that nothing is missing. */
  #keptAll = true;
  #checksToHead: number;
  #checked: Checked = { seq: 0, time: 0, reached: 0 };
  /** Held entries were dropped for want of room. */
  #hasDropped = false;
  /** The store was too large for a load in one request. */
  #isLarge = false;
  /** The reader may have keys that never came by here. */
  #trustsReader: boolean;
  #isChecking = false;
  #isCheckDue = false;

  constructor(
    ref: StoreRef,
    listener: FeedListener,
    host: FeedHost,
    since: Checkpoint | undefined,
  ) {
    this.store = storeKey(ref);
    this.#ref = ref;
    this.#listener = listener;
    this.#host = host;
    this.#reader = new EntryReader(host.counters);
    this.#base = since && { ...since, seq: since.doubt?.verified ?? since.seq };
    this.#trustsReader = since !== undefined;
    this.#checksToHead = 1 + Math.floor(host.random() * CHECKS_TO_HEAD);
  }

  get isLive(): boolean {
    return this.#told === "synced";
  }

  close(): void {
    if (this.#told === "closed") return;
    this.#told = "closed";
    this.#run += 1;
    this.#held.clear();
    this.#follow(undefined);
    this.#subscription?.unsubscribe();
    this.#subscription = undefined;
    this.#host.forget(this);
  }

  /** Ends the feed and tells why. */
  end(error: ConatError): void {
    if (this.#told === "closed") return;
    this.close();
    tell(this.#listener, { type: "closed", error });
  }

  /** The session is ready: brings the reader up to date. */
  recover(ready: ReadyState): void {
    this.#run += 1;
    void this.#recover(ready, this.#run);
  }

  /** The session is no longer ready. */
  suspend(error: ConatError): void {
    this.#run += 1;
    this.flush();
    this.#goStale(error);
  }

  /** Tells the entries that have come in since the last time. */
  flush(): void {
    if (!this.isLive || this.#held.length === 0) return;
    const entries = this.#held.take();
    this.#tail.add(entries);
    this.#emit({ type: "entries", batch: { entries, position: this.#position } });
    if (!this.#tail.isLong || this.#isCheckDue) return;
    this.#isCheckDue = true;
    this.#host.check(this);
  }

  /** Asks the leader whether the tail has told everything, and loads what it has not. */
  async check(): Promise<void> {
    if (this.#isChecking) return;
    this.#isChecking = true;
    try {
      await this.#check();
    } finally {
      this.#isChecking = false;
      this.#isCheckDue = false;
    }
  }

  async #check(): Promise<void> {
    const { ready } = this.#host;
    const bucket = this.#bucket;
    if (!this.isLive || ready === undefined || bucket === undefined) return;
    if (this.#tail.isCutOff) {
      this.#reload("more has come than could be verified", this.#base);
      return;
    }
    // As long as no other store of the bucket is written to, the tail itself shows that it has told everything.
    const last = this.#base && this.#tail.lastInRow(this.#base.seq);
    if (last !== undefined) this.#trustTail(last.seq, last.time);
    if (await this.#hasHeardAll()) return;
    if (!this.isLive || ready.signal.aborted) return;
    const before = this.#checked;
    this.#checked = {
      seq: this.#position,
      time: this.#host.serverTime(),
      reached: bucket.highWater,
    };
    // While entries come in, a head that is newer says little: the check is for when it becomes quiet.
    const isQuiet = this.#position === before.seq;
    if (isQuiet && !(await this.#hasAllUpToHead(ready, bucket))) return;
    if (this.#base !== undefined && this.#position > this.#base.seq) {
      await this.#checkTail(ready, bucket, this.#base, before);
    } else if (isQuiet) {
      this.#trustTail(before.seq, this.#checked.time);
      this.#markComplete(before);
    }
  }

  /** Whether all of the bucket has come by, so that nothing of the store can be missing. */
  async #hasHeardAll(): Promise<boolean> {
    this.#checksToHead -= 1;
    if (this.#checksToHead === 0) {
      this.#checksToHead = CHECKS_TO_HEAD;
      return false;
    }
    const row = this.#row;
    if (!this.#keptAll || row === undefined || row.followers < MIN_FOLLOWERS) return false;
    const run = this.#run;
    // Who gets no answer asks for the store's own newest message.
    const reach = await row.reachSince(this.#completeUpTo).catch(() => undefined);
    if (reach === undefined || run !== this.#run || !this.isLive) return false;
    this.flush();
    this.#completeUpTo = reach.seq;
    this.#checked = { seq: this.#position, time: reach.time, reached: reach.seq };
    this.#trustTail(Math.min(reach.seq, this.#position), reach.time);
    return true;
  }

  /** Whether the store's newest message is the last that was told. If not, that is seen to. */
  async #hasAllUpToHead(ready: ReadyState, bucket: OpenBucket): Promise<boolean> {
    const run = this.#run;
    const known = this.#head ?? 0;
    const filter = storeFilter(bucket.name, this.#ref);
    const head = await readHead(ready.connection, bucket, filter, this.#host.requestTimeoutMs);
    if (head > this.#position) await sleep(IN_FLIGHT_MS);
    if (run !== this.#run || !this.isLive) return false;
    if (head > this.#position) {
      this.#reloadMissed();
      return false;
    }
    if (head < known) {
      this.#host.checkBuckets();
      this.#reload("entries of the store have vanished");
      return false;
    }
    return true;
  }

  /** Holds what is stored since the base against what the tail has told; up to `upTo` all of it must have arrived. */
  async #checkTail(
    ready: ReadyState,
    bucket: OpenBucket,
    base: Checkpoint,
    upTo: Checked,
  ): Promise<void> {
    const run = this.#run;
    const { time } = this.#checked;
    const found = await verifyTail(this.#tail, base.seq, {
      ...this.#loadOf(ready, bucket),
      reader: new EntryReader({ ...this.#host.counters }),
    });
    if (found === undefined || run !== this.#run || !this.isLive || this.#base !== base) return;
    const { firstMissing } = found;
    if (firstMissing <= upTo.seq) this.#reloadMissed();
    // It may be on its way.
    else if (firstMissing < Number.POSITIVE_INFINITY) this.#trustTail(firstMissing - 1, upTo.time);
    else {
      this.#trustTail(Math.min(Math.max(found.upTo, upTo.seq), this.#position), time);
      this.#markComplete(upTo);
    }
  }

  /** All that was stored before that check is told. */
  #markComplete({ reached }: Checked): void {
    this.#completeUpTo = Math.max(this.#completeUpTo, reached);
    this.#keptAll = true;
  }

  #reloadMissed(): void {
    this.#host.counters.missedEntries += 1;
    // It may tell them elsewhere now.
    this.#host.checkBuckets();
    this.#reload("entries of the store were missed", this.#base);
  }

  /** Everything up to there is told. */
  #trustTail(seq: number, time: number): void {
    const base = this.#base;
    if (base !== undefined) this.#base = { epoch: base.epoch, seq, time };
    this.#completeUpTo = Math.max(this.#completeUpTo, seq);
    this.#tail.dropUpTo(seq);
    if (base !== undefined && seq > base.seq) this.#emit({ type: "verified", seq });
  }

  async #recover(ready: ReadyState, run: number): Promise<void> {
    const isOvertaken = (): boolean => run !== this.#run || ready.signal.aborted;
    for (let failures = 0; !isOvertaken(); failures += 1) {
      try {
        await this.#load(ready, isOvertaken);
        return;
      } catch (cause) {
        if (isOvertaken()) return;
        const waitMs = this.#loadFailed(cause, failures);
        if (waitMs === undefined) return;
        await sleep(waitMs, undefined, { signal: ready.signal }).catch(() => {});
      }
    }
  }

  /** How long to wait before the next try, in milliseconds; `undefined` when there is none. */
  #loadFailed(cause: unknown, failures: number): number | undefined {
    if (cause instanceof LoadRaced && this.#told !== "reset" && failures < MAX_RACES) {
      return 10 * 2 ** failures;
    }
    this.#host.counters.failedLoads += 1;
    const error = fromNatsError(cause, `load the store ${this.store}`);
    const isBehind = cause instanceof LoadRaced || error.kind === "timeout";
    if (isBehind && failures >= MAX_BEHIND) this.#host.lane.elsewhere();
    if (error.kind === "forbidden" || error.kind === "bad-options") {
      this.end(error);
      return undefined;
    }
    if (error.kind === "unavailable") this.#host.checkBuckets();
    this.#goStale(error);
    return backoffMs(failures + 1, this.#host.random());
  }

  async #load(ready: ReadyState, isOvertaken: () => boolean): Promise<void> {
    const bucket = ready.buckets.of(this.#ref);
    let knownHead = this.#bucket?.epoch === bucket.epoch ? this.#head : undefined;
    this.#bucket = bucket;
    this.#follow(this.#host.rowOf(bucket));
    this.#listen(ready.connection, storeLiveFilter(bucket.name, this.#ref, bucket.isToldByKey));
    this.#dropHeld();
    const time = this.#host.serverTime();
    let since = this.#usableBase(bucket, time);
    let newest = 0;
    let hasBegun = false;
    do {
      this.#hasDropped = false;
      const loaded = await loadStore({
        ...this.#loadOf(ready, bucket),
        reader: this.#reader,
        since,
        knownHead,
        begin: (mode) => {
          if (hasBegun || isOvertaken()) return;
          hasBegun = true;
          this.#reset(mode, bucket);
        },
        entries: (loaded) => {
          if (isOvertaken()) return;
          for (const { seq } of loaded) newest = Math.max(newest, seq);
          const entries = this.#tail.missing(loaded);
          if (entries.length > 0) this.#emit({ type: "entries", batch: { entries, position: 0 } });
        },
      });
      if (isOvertaken()) return;
      this.#isLarge = loaded.isLarge;
      newest = Math.max(newest, loaded.head);
      since = loaded.upTo;
      knownHead = undefined;
    } while (this.#hasDropped);
    this.#held.dropUpTo(since);
    this.#loadedUpTo = since;
    this.#completeUpTo = since;
    this.#position = since;
    this.#head = newest;
    this.#positionTime = this.#host.serverTime();
    this.#saw(this.#held.newest(), this.#positionTime);
    this.#tail.clear();
    this.#base = { epoch: bucket.epoch, seq: since, time };
    this.#checked = { seq: since, time, reached: since };
    this.#told = "synced";
    this.#emit({ type: "synced", checkpoint: this.#base });
    this.flush();
    this.#reloadForLostName();
  }

  #follow(row: BucketRow | undefined): void {
    if (row === this.#row) return;
    this.#row?.leave();
    this.#row = row;
    row?.join();
  }

  #loadOf({ connection, signal }: ReadyState, bucket: OpenBucket): LoadSource {
    const { lane, requestTimeoutMs } = this.#host;
    const filter = storeFilter(bucket.name, this.#ref);
    const isLarge = this.#isLarge;
    return { connection, signal, lane, requestTimeoutMs, bucket, filter, isLarge };
  }

  #reset(mode: "full" | "delta", { epoch, durability }: OpenBucket): void {
    if (mode === "full") {
      // A snapshot that is cut off leaves the reader with neither the old state nor the new one.
      this.#base = undefined;
      this.#tail.clear();
      this.#trustsReader = false;
      this.#host.counters.fullLoads += 1;
    } else {
      this.#host.counters.deltaLoads += 1;
    }
    this.#told = "reset";
    this.#emit({ type: "reset", mode, epoch, durability });
  }

  #usableBase(bucket: OpenBucket, time: number): number | undefined {
    const base = this.#base;
    if (base === undefined || base.epoch !== bucket.epoch) return undefined;
    // Markers are kept for whole seconds, and clocks are not exact.
    const marginMs = Math.min(5_000, bucket.markerTtlMs / 4);
    return time - base.time < bucket.markerTtlMs - marginMs ? base.seq : undefined;
  }

  #listen(connection: NatsConnection, subject: Subject): void {
    if (this.#subscribedOn === connection && this.#subscribedTo === subject) return;
    this.#subscription?.unsubscribe();
    this.#subscribedOn = connection;
    this.#subscribedTo = subject;
    const onError = (error: Error): void =>
      this.end(fromNatsError(error, `follow the store ${this.store}`));
    this.#subscription = subscribeRaw(connection, subject, this.#onMessage, onError);
  }

  readonly #onMessage = (message: RawMessage): void => {
    if (this.#told === "closed") return;
    const entry = this.#reader.told(message);
    if (entry !== undefined) {
      this.#hold(entry);
      this.#row?.heard(entry.seq);
      this.#host.heard(entry);
    } else if (this.isLive) this.#reloadForLostName();
  };

  #hold(entry: DraftEntry): void {
    if (this.isLive) {
      if (entry.seq <= this.#position) this.#repeated(entry);
      if (entry.seq <= this.#loadedUpTo) return;
      this.#saw(entry.seq, entry.time);
      if (this.#held.length === 0) this.#host.schedule(this);
    }
    this.#held.add(entry);
    if (!this.#held.isFull) return;
    if (this.isLive) {
      this.flush();
    } else {
      this.#dropHeld();
      this.#hasDropped = true;
    }
  }

  /** What a load is to bring instead. */
  #dropHeld(): void {
    if (this.#held.length > 0) this.#keptAll = false;
    this.#held.clear();
  }

  /** The tail tells in order, and everything once: this was loaded already, or sequences are given out again. */
  #repeated({ seq, time }: DraftEntry): void {
    const newest = { seq: this.#position, time: this.#positionTime };
    const isAgain = this.#tail.hasOther({ seq, time }) || isGivenOutAgain({ seq, time }, newest);
    if (this.#bucket && isAgain) this.#bucket.hasGoneBack = true;
    this.#host.checkBuckets();
  }

  #saw(seq: number, time: number): void {
    if (seq > this.#position) {
      this.#position = seq;
      this.#positionTime = time;
    }
    if (this.#head === undefined || seq > this.#head) this.#head = seq;
    if (this.#bucket !== undefined && seq > this.#bucket.highWater) this.#bucket.highWater = seq;
  }

  /** A reader that was told only a delta may have a long key whose removal could not be told by name. */
  #reloadForLostName(): void {
    const isLost = this.#reader.hasLostName && this.#trustsReader;
    this.#reader.hasLostName = false;
    if (isLost) this.#reload("a key of the store was removed whose name is not known");
  }

  /** Starts over from `base`; without it with everything, because what is missing is not known. */
  #reload(why: string, base?: Checkpoint): void {
    this.#base = base;
    this.#goStale(new ConatError("unavailable", `${why}; it is loaded again`));
    const { ready } = this.#host;
    if (ready !== undefined) this.recover(ready);
  }

  #goStale(error: ConatError): void {
    this.#dropHeld();
    if (this.#told === "stale" || this.#told === "closed") return;
    this.#told = "stale";
    this.#emit({ type: "stale", error });
  }

  #emit(event: FeedEvent): void {
    if (this.#told !== "closed") tell(this.#listener, event);
  }
}
