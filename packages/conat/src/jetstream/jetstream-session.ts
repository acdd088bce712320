import { setTimeout as sleep } from "node:timers/promises";
import { ConatError } from "../protocol/conat-error.ts";
import type { Entry } from "../protocol/entry.ts";
import type { Checkpoint } from "../protocol/feed-position.ts";
import type { Scope, StoreRef, TopicRef } from "../protocol/scope.ts";
import type {
  Feed,
  FeedListener,
  Mutation,
  OpenStoreOptions,
  Session,
  SessionStatus,
  StoreInfo,
  Subscription,
  TopicListener,
  TopicMessage,
  WriteResult,
} from "../session/session.ts";
import { whenReady } from "../session/when-ready.ts";
import { BoundEntries } from "./bound-entries.ts";
import type { FeedCounters, ReadyState } from "./feed-host.ts";
import { FeedSet } from "./feed-set.ts";
import { judgeCheckpoint } from "./judge-checkpoint.ts";
import { readEntry, readLastSeq, readNext } from "./leader.ts";
import { LoadLane } from "./load-lane.ts";
import { fromNatsError } from "./nats-error.ts";
import type { ResolvedOptions } from "./options.ts";
import { probe } from "./probe.ts";
import { Publisher } from "./publisher.ts";
import { Readiness } from "./readiness.ts";
import { destroyStore } from "./store-destroy.ts";
import { StoreFeed } from "./store-feed.ts";
import { listStores } from "./store-list.ts";
import { readEverything, type StoredEntry } from "./stored-entries.ts";
import { Topics } from "./topics.ts";

/** Most keys that last until this session closes. */
const MAX_BOUND_ENTRIES = 1_000;

/** How long `close` waits for what is on its way out, in milliseconds; and for what it removes, over several round trips. */
const CLOSE_FLUSH_MS = 1_000;
const CLOSE_RELEASE_MS = 5_000;

/** What a session is doing now, for people who watch it. */
export interface JetstreamMetrics extends Readonly<FeedCounters> {
  readonly openStores: number;
  readonly openSubscriptions: number;
  /** Writes sent or waiting that have no answer yet. */
  readonly pendingWrites: number;
  readonly runningLoads: number;
}

/** A session straight on JetStream, for trusted backends and for the hub. */
export class JetstreamSession implements Session {
  readonly #options: ResolvedOptions;
  readonly #readiness: Readiness;
  readonly #lane: LoadLane;
  readonly #feeds: FeedSet;
  readonly #publisher: Publisher;
  readonly #topics = new Topics();
  readonly #bound: BoundEntries;
  #lastWrite = 0;
  #closed: Promise<void> | undefined;

  /** Connects in the background from now on. */
  constructor(options: ResolvedOptions) {
    this.#options = options;
    this.#readiness = new Readiness(options, {
      onReady: (ready) => {
        this.#publisher.resume(ready);
        this.#topics.resume(ready);
        void this.#feeds.resume(ready);
      },
      onBucketsChanged: (ready) => {
        this.#publisher.resume(ready);
        this.#feeds.suspend(new ConatError("unavailable", "a bucket has another history now"));
        void this.#feeds.resume(ready);
      },
      onElected: (stream) => this.#publisher.giveUp(stream),
      onSuspended: (error) => {
        this.#publisher.suspend(error);
        this.#topics.suspend();
        this.#feeds.suspend(error);
      },
      onEnded: (error) => {
        this.#publisher.suspend(error);
        this.#topics.end(error);
        this.#feeds.end(error);
      },
    });
    this.#lane = new LoadLane(options);
    this.#feeds = new FeedSet(options, {
      lane: this.#lane,
      serverTime: () => this.serverTime(),
      checkBuckets: () => this.#readiness.checkBuckets(),
      heard: (entry) => this.#publisher.heard(entry),
    });
    this.#publisher = new Publisher(options, {
      onBucketInDoubt: () => this.#readiness.checkBuckets(),
      tellEntries: () => this.#feeds.tellEntries(),
      hears: (ref) => this.#feeds.hears(ref),
    });
    this.#bound = new BoundEntries({
      below: {
        read: (ref, key) => this.read(ref, key),
        write: (ref, mutations, onResult) => this.#publish(ref, mutations, onResult),
      },
      maxEntries: MAX_BOUND_ENTRIES,
    });
    this.#readiness.start();
  }

  get origin(): string {
    return this.#options.origin;
  }

  get status(): SessionStatus {
    return this.#readiness.status;
  }

  onStatus(listener: (status: SessionStatus) => void): () => void {
    return this.#readiness.onStatus(listener);
  }

  ready(timeoutMs: number = this.#options.connectTimeoutMs): Promise<void> {
    return whenReady(this, timeoutMs);
  }

  serverTime(): number {
    return Math.round(this.#options.now() + this.#readiness.clockOffsetMs);
  }

  nextWrite(): number {
    this.#lastWrite += 1;
    return this.#lastWrite;
  }

  openStore(ref: StoreRef, listener: FeedListener, options: OpenStoreOptions = {}): Feed {
    const feed = new StoreFeed(ref, listener, this.#feeds, options.since);
    if (this.#readiness.hasEnded) queueMicrotask(() => feed.end(this.#readiness.reason()));
    else this.#feeds.add(feed);
    return feed;
  }

  write(
    ref: StoreRef,
    mutations: readonly Mutation[],
    onResult: (result: WriteResult) => void,
  ): void {
    this.#bound.write(ref, mutations, onResult, (accepted, answer) =>
      this.#publish(ref, accepted, answer),
    );
  }

  #publish(
    ref: StoreRef,
    mutations: readonly Mutation[],
    onResult: (result: WriteResult) => void,
  ): void {
    this.#publisher.write(ref, mutations, onResult, () => this.#readiness.reason());
  }

  read(ref: StoreRef, key: string): Promise<Entry | undefined> {
    return this.#request("read an entry", ({ buckets, connection }, timeoutMs) =>
      readEntry(connection, buckets.of(ref), ref, key, timeoutMs),
    );
  }

  listStores(scope: Scope): Promise<readonly StoreInfo[]> {
    return this.#request("list the stores of a scope", (ready, timeoutMs) =>
      listStores(ready, this.#lane, scope, timeoutMs),
    );
  }

  destroyStore(ref: StoreRef): Promise<void> {
    return this.#request("destroy a store", (ready, timeoutMs) =>
      destroyStore(ready, ref, timeoutMs),
    );
  }

  /**
   * Tells everything that is stored on disk, removals included, in the order of the sequences of each bucket; the last
   * that is told of a key is how it was when this ended. Answers how many messages are not conat's.
   * @throws ConatError `unavailable`, `timeout`
   */
  readEverything(tell: (stored: StoredEntry) => void): Promise<number> {
    return this.#request("read the buckets", (ready, timeoutMs) =>
      readEverything(ready, this.#lane, timeoutMs, tell),
    );
  }

  /** @param doing completes "could not …" */
  async #request<Answer>(
    doing: string,
    ask: (ready: ReadyState, timeoutMs: number) => Promise<Answer>,
  ): Promise<Answer> {
    const { ready } = this.#readiness;
    if (ready === undefined) throw this.#readiness.reason();
    try {
      return await ask(ready, this.#options.requestTimeoutMs);
    } catch (error) {
      throw fromNatsError(error, doing);
    }
  }

  /**
   * Whether a checkpoint of a store is of the history that its bucket has; see {@link judgeCheckpoint}.
   * @throws ConatError `unavailable` or `timeout` when that cannot be told now
   */
  async knows(ref: StoreRef, checkpoint: Checkpoint): Promise<boolean> {
    const { ready } = this.#readiness;
    if (ready === undefined) throw this.#readiness.reason();
    const bucket = ready.buckets.of(ref);
    const { connection } = ready;
    const { requestTimeoutMs } = this.#options;
    try {
      return await judgeCheckpoint(checkpoint, bucket, {
        lastSeq: async (atLeast) => {
          const lastSeq = await readLastSeq(connection, bucket, requestTimeoutMs);
          return lastSeq >= atLeast ? lastSeq : probe(connection, bucket.name, requestTimeoutMs);
        },
        next: (after) => readNext(connection, bucket, after, requestTimeoutMs),
        now: () => this.serverTime(),
      });
    } catch (error) {
      throw fromNatsError(error, "ask for the end of a bucket");
    }
  }

  publish(topic: TopicRef, message: TopicMessage): void {
    if (!this.#readiness.hasEnded) this.#topics.publish(topic, message);
  }

  subscribe(topic: TopicRef, listener: TopicListener): Subscription {
    const subscription = this.#topics.subscribe(topic, listener);
    if (this.#readiness.hasEnded) {
      queueMicrotask(() => this.#topics.end(this.#readiness.reason()));
    }
    return subscription;
  }

  /**
   * The shortest time that a bucket keeps the marker of a removal, in milliseconds: what the options ask for only
   * holds for buckets that had to be created. `undefined` until the session was ready once.
   */
  get markerTtlMs(): number | undefined {
    return this.#readiness.buckets?.markerTtlMs;
  }

  /** How many buckets of each kind stores are spread over; `undefined` until the session was ready once. */
  get partitions(): number | undefined {
    return this.#readiness.buckets?.partitions;
  }

  metrics(): JetstreamMetrics {
    return {
      ...this.#feeds.counters,
      openStores: this.#feeds.size,
      openSubscriptions: this.#topics.size,
      pendingWrites: this.#publisher.size,
      runningLoads: this.#lane.size,
    };
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(): Promise<void> {
    const { ready } = this.#readiness;
    if (ready !== undefined) {
      this.#topics.flush();
      const deadlineMs = this.#bound.size > 0 ? CLOSE_RELEASE_MS : CLOSE_FLUSH_MS;
      const flushed = this.#bound.release().then(() => ready.connection.flush());
      const deadline = sleep(deadlineMs, undefined, { ref: false });
      await Promise.race([flushed.catch(() => {}), deadline]);
    }
    this.#bound.close();
    const closed = this.#readiness.close();
    await this.#lane.close();
    await closed;
  }
}
