import { ConatError, recoveryFor } from "../protocol/conat-error.ts";
import { valueBytes } from "../protocol/entry.ts";
import { BOUND_TTL_MS, MIN_BOUND_TTL_MS } from "../protocol/limits.ts";
import { type StoreRef, storeKey } from "../protocol/scope.ts";
import type { Mutation, Session, WriteResult } from "../session/session.ts";

/** Part of its lifetime after which an entry is renewed: one that fails can be tried again. */
const RENEW_AFTER = 0.5;

/** Pause before a renewal or removal that failed is tried again, in milliseconds. */
const RETRY_MS = 1_000;

/**
 * Numbers of renewals and removals begin here, far above a client's own: the number is this plus the sequence that is
 * replaced, so that no two replace the same. It has the 15 digits that a number may have in a message id.
 */
const FIRST_NUMBER = 500_000_000_000_000;

export interface BoundEntriesOptions {
  /** Where entries are renewed and removed. */
  readonly below: Pick<Session, "read" | "write">;
  /** Most entries at a time; a write past it is refused with `limit-exceeded`. */
  readonly maxEntries: number;
}

interface BoundEntry {
  readonly ref: StoreRef;
  readonly key: string;
  readonly origin: string;
  readonly ttlMs: number;
  /** Sequence of the write or of its last renewal; 0 until there is an answer. */
  seq: number;
  /** When it is looked at next, and when it has ended by itself; by the monotonic clock. */
  dueAt: number;
  expiresAt: number;
}

type OnResult = (result: WriteResult) => void;

/** Most clients have none, and a hub has a great many clients. Nothing is ever put here. */
const NO_ENTRIES = new Map<string, BoundEntry>();

/**
 * The entries that last as long as one client is there (`untilDisconnect`). Their lifetime is renewed as long as this
 * exists, so that they end with it whatever happens; {@link release} removes them at once. Both are compare-and-set on
 * what the client has written: an entry that anybody has written over, this client included, is left alone.
 */
export class BoundEntries {
  readonly #below: Pick<Session, "read" | "write">;
  readonly #maxEntries: number;
  #entries = NO_ENTRIES;
  readonly #whenEmpty: (() => void)[] = [];
  #timer: ReturnType<typeof setTimeout> | undefined;
  #isReleased = false;

  constructor(options: BoundEntriesOptions) {
    this.#below = options.below;
    this.#maxEntries = options.maxEntries;
  }

  get size(): number {
    return this.#entries.size;
  }

  /** Hands mutations to `write`, and looks from then on after those that last until the client disconnects. */
  write(
    ref: StoreRef,
    mutations: readonly Mutation[],
    onResult: OnResult,
    write: (mutations: readonly Mutation[], onResult: OnResult) => void,
  ): void {
    if (!mutations.some(isBound)) {
      write(mutations, onResult);
      return;
    }
    const bound = new Map<number, Mutation>();
    const accepted: Mutation[] = [];
    for (const mutation of mutations) {
      if (!isBound(mutation)) {
        accepted.push(mutation);
      } else if (this.#isReleased) {
        // A store that is still open sees its key removed, and would set it anew.
        const error = new ConatError("closed", "what it should last as long as is being closed");
        queueMicrotask(() => onResult({ write: mutation.write, ok: false, error }));
      } else if (this.#admit(ref, mutation)) {
        const ttlMs = boundTtlMs(mutation);
        const plain = { ...mutation, ttlMs, untilDisconnect: false };
        bound.set(mutation.write, plain);
        accepted.push(plain);
      } else {
        const message = `more than ${this.#maxEntries} keys that last until this client disconnects`;
        const error = new ConatError("limit-exceeded", message);
        queueMicrotask(() => onResult({ write: mutation.write, ok: false, error }));
      }
    }
    if (accepted.length === 0) return;
    write(accepted, (result) => {
      const mutation = bound.get(result.write);
      if (mutation) this.#written(ref, mutation, result);
      onResult(result);
    });
  }

  /** Whoever the entries were bound to is gone: removes them. Resolves when none is left. */
  release(): Promise<void> {
    this.#isReleased = true;
    for (const entry of this.#entries.values()) {
      if (entry.dueAt < Number.POSITIVE_INFINITY) entry.dueAt = 0;
    }
    this.#schedule();
    if (this.#entries.size === 0) return Promise.resolve();
    return new Promise((resolve) => this.#whenEmpty.push(resolve));
  }

  /** Leaves the entries to the end of their lifetime. */
  close(): void {
    clearTimeout(this.#timer);
    this.#entries.clear();
    this.#tellEmpty();
  }

  #admit(ref: StoreRef, { key, origin, ttlMs }: Mutation): boolean {
    const slot = slotOf(ref, key);
    if (this.#entries.has(slot)) return true;
    if (this.#entries.size >= this.#maxEntries) return false;
    if (this.#entries === NO_ENTRIES) this.#entries = new Map();
    const never = Number.POSITIVE_INFINITY;
    this.#entries.set(slot, { ref, key, origin, ttlMs, seq: 0, dueAt: never, expiresAt: never });
    return true;
  }

  #written(ref: StoreRef, { key, origin, ttlMs }: Mutation, result: WriteResult): void {
    const slot = slotOf(ref, key);
    const known = this.#entries.get(slot);
    if (known === undefined) return;
    if (!result.ok) {
      if (known.seq === 0) this.#forget(slot, known);
    } else if (result.seq > known.seq) {
      const entry = { ref, key, origin, ttlMs, seq: result.seq, dueAt: 0, expiresAt: 0 };
      this.#entries.set(slot, entry);
      this.#live(entry);
      this.#schedule();
    }
  }

  /** The entry has just been stored. */
  #live(entry: BoundEntry): void {
    const now = performance.now();
    entry.expiresAt = now + entry.ttlMs;
    entry.dueAt = this.#isReleased ? now : now + entry.ttlMs * RENEW_AFTER;
  }

  #schedule(): void {
    clearTimeout(this.#timer);
    let next = Number.POSITIVE_INFINITY;
    for (const { dueAt } of this.#entries.values()) next = Math.min(next, dueAt);
    if (next === Number.POSITIVE_INFINITY) return;
    this.#timer = setTimeout(() => this.#onTimer(), Math.max(0, next - performance.now()));
  }

  #onTimer(): void {
    const now = performance.now();
    for (const [slot, entry] of this.#entries) {
      if (entry.dueAt > now) continue;
      entry.dueAt = Number.POSITIVE_INFINITY;
      void this.#tend(entry)
        .catch(() => false)
        .then((isOver) => this.#tended(slot, entry, isOver));
    }
    this.#schedule();
  }

  /** Renews or removes an entry. Answers whether nothing is left to do; false when it has to be tried again. */
  async #tend(entry: BoundEntry): Promise<boolean> {
    const { ref, key, origin } = entry;
    const current = await this.#below.read(ref, key);
    // A renewal whose answer was lost.
    if (current?.write === FIRST_NUMBER + entry.seq) entry.seq = current.seq;
    const isOurs = current?.seq === entry.seq && current.origin === origin;
    if (!isOurs || current.kind !== "put" || this.#entries.get(slotOf(ref, key)) !== entry) {
      return true;
    }
    const isRemoval = this.#isReleased;
    const mutation: Mutation = {
      key,
      value: isRemoval ? undefined : valueBytes(current),
      origin,
      write: FIRST_NUMBER + current.seq,
      expectedSeq: current.seq,
      ttlMs: isRemoval ? 0 : entry.ttlMs,
      headers: isRemoval ? undefined : current.headers,
    };
    const result = await new Promise<WriteResult>((resolve) =>
      this.#below.write(ref, [mutation], resolve),
    );
    if (!result.ok) return !mayHelp(result.error);
    entry.seq = result.seq;
    this.#live(entry);
    return isRemoval;
  }

  #tended(slot: string, entry: BoundEntry, isOver: boolean): void {
    const now = performance.now();
    if (isOver || now >= entry.expiresAt) this.#forget(slot, entry);
    else if (entry.dueAt === Number.POSITIVE_INFINITY) entry.dueAt = now + RETRY_MS;
    this.#schedule();
  }

  #forget(slot: string, entry: BoundEntry): void {
    if (this.#entries.get(slot) !== entry) return;
    this.#entries.delete(slot);
    if (this.#entries.size === 0) this.#tellEmpty();
  }

  #tellEmpty(): void {
    for (const resolve of this.#whenEmpty.splice(0)) resolve();
  }
}

function isBound({ untilDisconnect, value }: Mutation): boolean {
  return untilDisconnect === true && value !== undefined;
}

function boundTtlMs({ ttlMs }: Mutation): number {
  return ttlMs === 0 ? BOUND_TTL_MS : Math.max(MIN_BOUND_TTL_MS, ttlMs);
}

function slotOf(ref: StoreRef, key: string): string {
  return `${storeKey(ref)} ${key}`;
}

/** Whether trying again can help. */
function mayHelp({ kind }: ConatError): boolean {
  return kind === "storage-full" || recoveryFor(kind) === "retry";
}
