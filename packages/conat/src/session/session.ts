import type { ConatError } from "../protocol/conat-error.ts";
import type { Entry, EntryHeaders } from "../protocol/entry.ts";
import type { Checkpoint, Durability } from "../protocol/feed-position.ts";
import type { Scope, StoreRef, TopicRef } from "../protocol/scope.ts";

/**
 * One connected identity's view of the system: the seam that everything above is written against.
 * Answers come by listener, never by a promise per message. Nothing here decodes a value.
 */
export interface Session {
  /**
   * Marks the writes of this session: entries that carry it are this session's own. Survives reconnects.
   * A hub binds it to the identity, so it is only known once the first connection is up; "" before that.
   */
  readonly origin: string;
  readonly status: SessionStatus;
  /** Calls `listener` on every change of {@link status}. Returns the function that stops it. */
  onStatus(listener: (status: SessionStatus) => void): () => void;
  /** Resolves when the session is `ready`; rejects when it is refused, closed, or `timeoutMs` has passed. */
  ready(timeoutMs?: number): Promise<void>;
  /** The server's clock as far as known, in milliseconds since the epoch. */
  serverTime(): number;
  /** Next write number: unique within this session's {@link origin}. */
  nextWrite(): number;

  /** Opens a feed. Problems arrive as events of the feed; this never throws for a reason the server decides. */
  openStore(ref: StoreRef, listener: FeedListener, options?: OpenStoreOptions): Feed;
  /**
   * Sends mutations in order. `onResult` is called exactly once for each, in any order, and never before this
   * call has returned; a session that is not connected answers `unavailable`, which means "not stored".
   */
  write(
    ref: StoreRef,
    mutations: readonly Mutation[],
    onResult: (result: WriteResult) => void,
  ): void;
  /** The entry of one key as the leader has it now, markers included; `undefined` when there is none. */
  read(ref: StoreRef, key: string): Promise<Entry | undefined>;

  /** The stores of a scope that have a key, by name. */
  listStores(scope: Scope): Promise<readonly StoreInfo[]>;
  /**
   * Removes every key of a store for everybody, also for who is away and comes back later. What is written afterwards
   * stays. An `ambiguous` failure means "perhaps destroyed".
   */
  destroyStore(ref: StoreRef): Promise<void>;

  /** Sends one message. While the session is not connected a bounded number is kept; the oldest go first. */
  publish(topic: TopicRef, message: TopicMessage): void;
  subscribe(topic: TopicRef, listener: TopicListener): Subscription;

  /** Ends the session and everything opened through it. Idempotent. */
  close(): Promise<void>;
}

export type SessionState =
  | "connecting"
  | "handshaking"
  | "ready"
  | "waiting"
  | "draining"
  | "refused"
  | "closed";

export interface SessionStatus {
  readonly state: SessionState;
  /** Why the session is not ready; absent while it is, and before the first attempt has ended. */
  readonly error: ConatError | undefined;
  /** Attempts made since the session was last ready. */
  readonly attempt: number;
}

/** A store that has keys. */
export interface StoreInfo {
  readonly name: string;
  readonly ephemeral: boolean;
  /** How many keys have a value. */
  readonly keys: number;
}

export interface OpenStoreOptions {
  /** What the caller already has; the feed then starts with what changed since, where that is still known. */
  readonly since?: Checkpoint | undefined;
  /**
   * By how much the sequences of what the caller holds are above `verified`, where they are; at most `MAX_TOLD` of them.
   * What is sent again, because not everything that came by was verified, is without these.
   */
  readonly told?: ((verified: number) => number[]) | undefined;
}

export interface Feed {
  /** Ends the feed; no event follows. Idempotent. */
  close(): void;
}

export type FeedListener = (event: FeedEvent) => void;

/**
 * What a feed tells, in this order: `reset`, any number of `entries`, `synced`, then `entries` as they happen.
 * `verified` comes now and then: what was told has been held against what is stored, up to there.
 * After `stale` the feed recovers by itself and starts again with `reset`. `closed` is final.
 * Entries of one key never go back in sequence, except across a `reset` with a new epoch.
 */
export type FeedEvent =
  | FeedReset
  | FeedEntries
  | FeedSynced
  | { readonly type: "verified"; readonly seq: number }
  | { readonly type: "stale"; readonly error: ConatError }
  | { readonly type: "closed"; readonly error: ConatError };

export interface FeedEntries {
  readonly type: "entries";
  readonly batch: EntryBatch;
  /** More is about to follow: who passes it on may wait for a moment, and send all of it together. */
  readonly mayLinger?: boolean | undefined;
}

export interface FeedSynced {
  readonly type: "synced";
  readonly checkpoint: Checkpoint;
  /** Up to here what was told is verified, where that is not all of it. */
  readonly verified?: number | undefined;
}

export interface FeedReset {
  readonly type: "reset";
  /**
   * `full`: a complete snapshot follows; keys it lacks are gone.
   * `delta`: only what changed since the checkpoint that was given or last told follows, removals included.
   */
  readonly mode: "full" | "delta";
  /** Identity of the bucket. When it differs from the one before, sequences cannot be compared. */
  readonly epoch: string;
  readonly durability: Durability;
}

/** Entries that arrived together. A relay keeps the encoded form beside them, so that it is made at most once. */
export interface EntryBatch {
  readonly entries: readonly Entry[];
  /** The feed is complete for this store up to this stream sequence once the batch is applied; 0 when not known. */
  readonly position: number;
}

/** One requested change of one key. */
export interface Mutation {
  readonly key: string;
  /** Encoded value, or `undefined` to delete the key. */
  readonly value: Uint8Array | undefined;
  /** Who writes; entries echo it. */
  readonly origin: string;
  /** Number of the write within the origin; a resend keeps it. */
  readonly write: number;
  /** Apply only if the key's sequence is this; 0 means "no entry". `undefined` writes unconditionally. */
  readonly expectedSeq: number | undefined;
  /** Lifetime in milliseconds from when it is stored; rounded up to whole seconds; 0 means for ever. */
  readonly ttlMs: number;
  readonly headers: EntryHeaders | undefined;
  /** Remove it when its writer has gone for good. Renewed until then; `ttlMs` (default 60 s) bounds a hub's death. */
  readonly untilDisconnect?: boolean | undefined;
  /** An attempt of an update: after a conflict its writer tries again at once. A hub lets such writers take turns. */
  readonly isUpdate?: boolean | undefined;
}

export type WriteResult = WriteStored | WriteFailed;

export interface WriteStored {
  readonly write: number;
  readonly ok: true;
  /** Sequence under which the write is stored. */
  readonly seq: number;
  /**
   * The server had seen this id before and stored nothing now. `seq` is then where the id was first stored,
   * which the caller verifies before it believes it.
   */
  readonly duplicate: boolean;
}

/**
 * `conflict`: refused because the key has another sequence; `current` is the entry if it could be read.
 * `unavailable`: certainly not stored, try again. `ambiguous`: perhaps stored. Any other kind: refused for good.
 */
export interface WriteFailed {
  readonly write: number;
  readonly ok: false;
  readonly error: ConatError;
}

export interface TopicMessage {
  /** Encoded value. */
  readonly data: Uint8Array;
  /** {@link Session.origin} of the publisher; "" when it was not published by conat. */
  readonly origin: string;
}

export interface TopicListener {
  onMessage(message: TopicMessage): void;
  /** The reader was too slow and this many messages were dropped. */
  onLagged(count: number): void;
  /** The subscription has ended and will not come back. */
  onClosed(error: ConatError): void;
}

export interface Subscription {
  close(): void;
}
