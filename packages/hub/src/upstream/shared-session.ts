import {
  ConatError,
  type Entry,
  type Feed,
  type FeedListener,
  type Mutation,
  type OpenStoreOptions,
  type Scope,
  type Session,
  type SessionStatus,
  SNAPSHOT_CHUNK_BYTES,
  type StoreInfo,
  type StoreRef,
  type Subscription,
  storeKey,
  type TopicListener,
  type TopicMessage,
  type TopicRef,
  topicKey,
  type WriteResult,
} from "@conat/conat/internal";
import { DEFAULT_MARKER_TTL_MS } from "@conat/conat/jetstream";
import { LRUCache } from "lru-cache";
import { SharedStore, type SharedStoreOptions } from "./shared-store.ts";
import { SharedTopic } from "./shared-topic.ts";
import { UpdateTurns } from "./update-turns.ts";

/** How long a replica is kept after its last reader, in milliseconds: a page that reloads finds it warm. */
export const DEFAULT_FEED_LINGER_MS = 10_000;

/** Most memory for replicas, in bytes: 1 GiB. */
export const DEFAULT_MAX_REPLICA_BYTES = 1_073_741_824;

const DEFAULT_SNAPSHOT_REUSE_MS = 1_000;

export interface SharedSessionOptions {
  /** @default DEFAULT_FEED_LINGER_MS */
  readonly feedLingerMs?: number | undefined;
  /** Replicas without readers go first; past it new stores are refused. @default DEFAULT_MAX_REPLICA_BYTES */
  readonly maxReplicaBytes?: number | undefined;
  /** What the buckets below are configured with. @default DEFAULT_MARKER_TTL_MS */
  readonly markerTtlMs?: number | undefined;
  /** Target size of one batch of a snapshot, in bytes. @default SNAPSHOT_CHUNK_BYTES */
  readonly chunkBytes?: number | undefined;
  /** How long one snapshot serves all who come, in milliseconds; 0 makes each anew. @default 1 s */
  readonly snapshotReuseMs?: number | undefined;
  /** Whether a checkpoint is of the history that a store has now. @default every checkpoint is believed */
  readonly knows?: SharedStoreOptions["knows"] | undefined;
  /** A listener has thrown. @default thrown again, where nobody can catch it */
  readonly onListenerError?: ((error: unknown) => void) | undefined;
}

/**
 * `inner` for many: one feed and one replica per store, and one subscription per topic, however many readers there are.
 * All live readers of a store get the very same batch object, so that a relay can encode it once. Closing it ends what
 * was opened through it, and `inner`.
 */
export class SharedSession implements Session {
  readonly #inner: Session;
  readonly #options: Required<{
    [Name in Exclude<keyof SharedSessionOptions, "knows">]: NonNullable<SharedSessionOptions[Name]>;
  }> &
    Pick<SharedStoreOptions, "knows">;
  readonly #stores = new Map<string, SharedStore>();
  readonly #topics = new Map<string, SharedTopic>();
  /** Stores without readers, the longest unused first to go when memory is short. */
  readonly #unused: LRUCache<string, SharedStore>;
  readonly #lingering = new Map<SharedStore, NodeJS.Timeout>();
  readonly #sweeper: NodeJS.Timeout;
  readonly #turns = new UpdateTurns({
    currentOf: (ref, key) => this.#stores.get(storeKey(ref))?.currentOf(key),
    write: (ref, mutation, onResult) => this.#inner.write(ref, [mutation], onResult),
  });
  #replicaBytes = 0;
  #closed: Promise<void> | undefined;

  constructor(inner: Session, options: SharedSessionOptions = {}) {
    this.#inner = inner;
    this.#options = {
      feedLingerMs: options.feedLingerMs ?? DEFAULT_FEED_LINGER_MS,
      maxReplicaBytes: options.maxReplicaBytes ?? DEFAULT_MAX_REPLICA_BYTES,
      markerTtlMs: options.markerTtlMs ?? DEFAULT_MARKER_TTL_MS,
      chunkBytes: options.chunkBytes ?? SNAPSHOT_CHUNK_BYTES,
      snapshotReuseMs: options.snapshotReuseMs ?? DEFAULT_SNAPSHOT_REUSE_MS,
      knows: options.knows,
      onListenerError: options.onListenerError ?? throwLater,
    };
    const { maxReplicaBytes, markerTtlMs } = this.#options;
    this.#unused = new LRUCache({
      maxSize: maxReplicaBytes,
      sizeCalculation: (store) => Math.max(1, store.bytes),
      dispose: (store, _key, reason) => {
        clearTimeout(this.#lingering.get(store));
        this.#lingering.delete(store);
        if (reason === "evict") this.#end(store);
      },
    });
    this.#sweeper = setInterval(() => this.#sweep(), Math.max(1_000, markerTtlMs / 4));
    this.#sweeper.unref();
  }

  get origin(): string {
    return this.#inner.origin;
  }

  get status(): SessionStatus {
    return this.#inner.status;
  }

  /** Stores that have a replica, those without readers included. */
  get openStores(): number {
    return this.#stores.size;
  }

  /** Topics somebody listens to. */
  get openTopics(): number {
    return this.#topics.size;
  }

  /** Memory of all replicas, estimated. */
  get replicaBytes(): number {
    return this.#replicaBytes;
  }

  onStatus(listener: (status: SessionStatus) => void): () => void {
    return this.#inner.onStatus(listener);
  }

  ready(timeoutMs?: number): Promise<void> {
    return this.#inner.ready(timeoutMs);
  }

  serverTime(): number {
    return this.#inner.serverTime();
  }

  nextWrite(): number {
    return this.#inner.nextWrite();
  }

  openStore(ref: StoreRef, listener: FeedListener, options?: OpenStoreOptions): Feed {
    const key = storeKey(ref);
    let store = this.#stores.get(key);
    if (store === undefined) {
      const refusal = this.#refusal();
      if (refusal) return tellClosed(() => listener({ type: "closed", error: refusal }));
      store = this.#open(ref);
      this.#stores.set(key, store);
    } else {
      this.#unused.delete(key);
    }
    return store.attach(listener, options?.since);
  }

  write(
    ref: StoreRef,
    mutations: readonly Mutation[],
    onResult: (result: WriteResult) => void,
  ): void {
    if (!mutations.some(isUpdate)) {
      this.#inner.write(ref, mutations, onResult);
      return;
    }
    const direct = mutations.filter((mutation) => !isUpdate(mutation));
    if (direct.length > 0) this.#inner.write(ref, direct, onResult);
    for (const mutation of mutations) {
      if (isUpdate(mutation)) this.#turns.write({ ref, mutation, onResult });
    }
  }

  read(ref: StoreRef, key: string): Promise<Entry | undefined> {
    return this.#inner.read(ref, key);
  }

  listStores(scope: Scope): Promise<readonly StoreInfo[]> {
    return this.#inner.listStores(scope);
  }

  destroyStore(ref: StoreRef): Promise<void> {
    return this.#inner.destroyStore(ref);
  }

  publish(topic: TopicRef, message: TopicMessage): void {
    this.#inner.publish(topic, message);
  }

  subscribe(ref: TopicRef, listener: TopicListener): Subscription {
    const key = topicKey(ref);
    let topic = this.#topics.get(key);
    if (topic === undefined) {
      if (this.#closed) return tellClosed(() => listener.onClosed(closedError()));
      topic = new SharedTopic({
        ref,
        inner: this.#inner,
        onEnded: (ended) => {
          if (this.#topics.get(key) === ended) this.#topics.delete(key);
        },
        onListenerError: this.#options.onListenerError,
      });
      this.#topics.set(key, topic);
    }
    return topic.attach(listener);
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    clearInterval(this.#sweeper);
    this.#unused.clear();
    this.#turns.close(closedError());
    for (const topic of [...this.#topics.values()]) topic.onClosed(closedError());
    for (const store of [...this.#stores.values()]) store.end(closedError());
    await this.#inner.close();
  }

  #open(ref: StoreRef): SharedStore {
    const { markerTtlMs, chunkBytes, knows, snapshotReuseMs } = this.#options;
    return new SharedStore({
      markerTtlMs,
      chunkBytes,
      knows,
      snapshotReuseMs,
      ref,
      inner: this.#inner,
      isContested: () => this.#turns.isContested(ref),
      onBytes: (difference) => {
        this.#replicaBytes += difference;
        if (difference > 0) this.#makeRoom();
      },
      onUnused: (store) => this.#retire(store),
      onEnded: (store) => this.#forget(store),
      onReaderError: this.#options.onListenerError,
    });
  }

  #refusal(): ConatError | undefined {
    if (this.#closed) return closedError();
    if (this.#replicaBytes < this.#options.maxReplicaBytes) return undefined;
    return new ConatError(
      "limit-exceeded",
      "this hub's memory for stores is used up: try again later or another hub",
    );
  }

  #retire(store: SharedStore): void {
    const key = storeKey(store.ref);
    const { feedLingerMs } = this.#options;
    if (feedLingerMs > 0) this.#unused.set(key, store);
    // A store above the cache's whole size is not taken in.
    if (!this.#unused.has(key)) {
      this.#end(store);
      return;
    }
    const timer = setTimeout(() => this.#end(store), feedLingerMs);
    timer.unref();
    this.#lingering.set(store, timer);
  }

  #makeRoom(): void {
    while (this.#replicaBytes > this.#options.maxReplicaBytes && this.#unused.size > 0) {
      this.#unused.pop();
    }
  }

  #end(store: SharedStore): void {
    this.#forget(store);
    store.close();
  }

  #forget(store: SharedStore): void {
    const key = storeKey(store.ref);
    if (this.#stores.get(key) !== store) return;
    this.#stores.delete(key);
    this.#unused.delete(key);
  }

  #sweep(): void {
    for (const store of this.#stores.values()) store.sweep();
  }
}

function isUpdate({ isUpdate: isAttempt, expectedSeq }: Mutation): boolean {
  return isAttempt === true && expectedSeq !== undefined;
}

function closedError(): ConatError {
  return new ConatError("closed", "this session is closed");
}

function throwLater(error: unknown): void {
  queueMicrotask(() => {
    throw error;
  });
}

/** Tells after the caller has its handle, unless the caller closes that first. */
function tellClosed(tell: () => void): Feed & Subscription {
  let wanted = true;
  queueMicrotask(() => {
    if (wanted) tell();
  });
  return {
    close: () => {
      wanted = false;
    },
  };
}
