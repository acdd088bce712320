import { ConatError } from "../protocol/conat-error.ts";
import { type Entry, type EntryHeaders, valueBytes } from "../protocol/entry.ts";
import type { Durability } from "../protocol/feed-position.ts";
import { parseName } from "../protocol/scope.ts";
import { natsKey } from "../protocol/subjects.ts";
import { decodeValue } from "../protocol/value-codec.ts";
import type { Session } from "../session/session.ts";
import { Emitter } from "../util/emitter.ts";
import { onPageEvent } from "../util/page-events.ts";
import { within } from "../util/within.ts";
import type { DkvEvents } from "./dkv-events.ts";
import {
  parseBoundTtl,
  parseSeq,
  parseTimeout,
  parseTtl,
  type ResolvedDkvOptions,
} from "./dkv-options.ts";
import { DkvRunner, type StoreStatus } from "./dkv-runner.ts";
import type { WriteOutcome } from "./local-write.ts";
import { createMergeBytes } from "./merge-bytes.ts";
import { createTeller } from "./tell-application.ts";
import { Updates } from "./updates.ts";
import type { AnyValue, ValueAt } from "./value-types.ts";
import { hasValue } from "./visible.ts";
import { VisibleValues } from "./visible-values.ts";
import { listWrites, type WriteInfo } from "./write-info.ts";
import { sizeOf } from "./write-ledger.ts";
import { parseHeaders, WriteRules } from "./write-rules.ts";

export interface SetOptions {
  /** Lifetime of the entry, in milliseconds, rounded up to whole seconds. @default the store's `ttlMs` */
  readonly ttlMs?: number | undefined;
  /** Store only if the key's sequence is this; 0 means "only if there is none". */
  readonly ifSeq?: number | undefined;
  /** Headers stored with the value: names and values of at most 5,461 characters together. */
  readonly headers?: EntryHeaders | undefined;
  /**
   * Remove the key when this client is gone: at once when it is closed, after a grace (10 s by default, an option of the
   * hub) when its connection is lost and it does not come back, to whichever hub. What somebody else has written there
   * meanwhile stays. `ttlMs`, then at least 5 s and by default 60 s, is how long the key outlives a hub that dies; it is
   * written anew before that, which everybody sees as a `change`.
   */
  readonly untilDisconnect?: boolean | undefined;
}

/** A write that was made; it need not be looked at. */
export interface WriteHandle {
  readonly id: number;
  readonly key: string;
  /** Resolves, never rejects, with how the write ended. */
  settled(): Promise<WriteOutcome>;
}

const NO_OPTIONS: SetOptions = {};

/**
 * A shared key-value store. Reads and writes are synchronous; every other participant sees a write as soon as the
 * server has stored it. Made by `dkv()`.
 */
export class DKV<T = unknown> {
  readonly #options: ResolvedDkvOptions;
  readonly #emitter = new Emitter<DkvEvents<AnyValue<T>>>();
  readonly #runner: DkvRunner;
  readonly #values: VisibleValues;
  readonly #updates: Updates;
  readonly #rules: WriteRules;
  #stopWatchingPage = (): void => {};
  #references = 1;
  #isClosing = false;
  #closing: Promise<void> | undefined;
  #snapshot:
    | { readonly version: number; readonly values: ReadonlyMap<string, AnyValue<T>> }
    | undefined;

  /** @internal use `dkv()` */
  constructor(session: Session, options: ResolvedDkvOptions, onReleased: () => void) {
    this.#options = options;
    const rules = new WriteRules(options);
    this.#rules = rules;
    this.#values = new VisibleValues(rules.check);
    const { ref, merge, reoffer, noAutosave } = options;
    const autosave = !noAutosave;
    this.#runner = new DkvRunner(
      { session, ref, merge: merge && createMergeBytes(merge, rules), reoffer, autosave },
      createTeller({
        emitter: this.#emitter,
        values: this.#values,
        onClosed: (error) => {
          this.#stopWatchingPage();
          onReleased();
          this.#emitter.emit("closed", this.#isClosing ? undefined : error);
        },
      }),
    );
    this.#updates = new Updates(this.#runner, options.timeoutMs);
    this.#runner.open();
    this.#stopWatchingPage = onPageEvent("pagehide", () => this.#runner.flushForGood());
  }

  // ── reading ──────────────────────────────────────────────────────────────────────────────────────────────────────

  /** The value of a key, local changes included: frozen, and the same object until the next version. */
  get<Key extends string>(key: Key): ValueAt<T, Key> | undefined;
  /** Every value by key, as an object without prototype. */
  get(): { [key: string]: AnyValue<T> };
  get(key?: string): unknown {
    if (key !== undefined) {
      const { state } = this.#runner;
      const holder = state.holder(key);
      return holder && this.#values.get(holder, state.visible(key, holder));
    }
    const all: { [key: string]: unknown } = Object.create(null);
    for (const name of this.#runner.state.keys()) all[name] = this.get(name);
    return all;
  }

  has(key: string): boolean {
    return hasValue(this.#runner.state.visible(key));
  }

  keys(): string[] {
    return [...this.#runner.state.keys()];
  }

  entries(): [string, AnyValue<T>][] {
    return this.keys().map((key) => [key, this.get(key) as AnyValue<T>]);
  }

  get size(): number {
    return this.#runner.state.size;
  }

  /** The same as {@link size}. */
  get length(): number {
    return this.size;
  }

  /** Server time at which the confirmed version of a key was stored, in milliseconds since the epoch. */
  time(key: string): number | undefined {
    return this.#put(key)?.time;
  }

  /** Sequence to name in a compare-and-set on what `get` shows; 0 when nothing was ever stored under the key. */
  seq(key: string): number {
    return this.#runner.state.knownSeq(key);
  }

  /** Headers of the confirmed version of a key. */
  headers(key: string): EntryHeaders | undefined {
    return this.#put(key)?.headers;
  }

  /** The stored bytes of the confirmed version of a key: for values that are not valid. A copy. */
  raw(key: string): Uint8Array | undefined {
    const entry = this.#put(key);
    return entry && new Uint8Array(valueBytes(entry));
  }

  /**
   * The key's name for any NATS KV client of the store's bucket.
   * @throws ConatError `bad-name` in a browser, when the name of the key or the store takes over 1,000 bytes
   */
  natsKey(key: string): string {
    return natsKey(this.#options.ref, parseName("key", key));
  }

  #put(key: string): Entry | undefined {
    const entry = this.#runner.state.confirmed(key);
    return entry?.kind === "put" ? entry : undefined;
  }

  // ── writing ──────────────────────────────────────────────────────────────────────────────────────────────────────

  /**
   * Sets a key, visible to `get` at once, and sends it.
   * @throws ConatError `not-serialisable`, `value-too-large`, `bad-name`, `outbox-full`, `invalid-value`, `closed`
   */
  set<Key extends string>(
    key: Key,
    value: ValueAt<T, Key>,
    options: SetOptions = NO_OPTIONS,
  ): WriteHandle {
    return this.#write(key, this.#encode(key, value), options);
  }

  /** Sets several keys; either all of them are accepted or none is. They are stored one by one. */
  setMany(
    values: Readonly<Record<string, AnyValue<T>>> | ReadonlyMap<string, AnyValue<T>>,
  ): WriteHandle[] {
    const pairs = values instanceof Map ? [...values] : Object.entries(values);
    const encoded = pairs.map(([key, value]): [string, Uint8Array] => [
      parseName("key", key),
      this.#encode(key, value),
    ]);
    this.#admit(
      encoded.length,
      encoded.reduce((sum, [key, value]) => sum + sizeOf({ key, value }), 0),
    );
    return encoded.map(([key, bytes]) => this.#write(key, bytes, {}));
  }

  /** Removes a key. A key that is not there is left alone, unless `ifSeq` is given. */
  delete(
    key: string,
    options: Pick<SetOptions, "ifSeq" | "headers"> = {},
  ): WriteHandle | undefined {
    if (!this.has(key) && options.ifSeq === undefined) return undefined;
    return this.#write(key, undefined, options);
  }

  /** Removes every key that is there. */
  clear(): void {
    for (const key of this.keys()) this.delete(key);
  }

  /**
   * Changes a key by a function of its current value, which is called again when somebody else was faster: no update is
   * lost. Resolves with the value that this call has stored; `undefined` deletes the key. In a store that does not save
   * by itself it sends, as `save` does, everything written so far.
   * @throws ConatError `conflict` after too many attempts, `outcome-unknown`, `timeout`, or what `set` throws
   */
  async update<Key extends string>(
    key: Key,
    change: (value: ValueAt<T, Key> | undefined) => ValueAt<T, Key> | undefined,
  ): Promise<ValueAt<T, Key> | undefined> {
    const attempt = (): Uint8Array | undefined => {
      this.#assertOpen();
      const changed = change(this.get(key));
      const value = changed === undefined ? undefined : this.#encode(key, changed);
      this.#admit(1, sizeOf({ key, value }));
      return value;
    };
    const stored = await this.#updates.run(parseName("key", key), attempt, this.#options.ttlMs);
    return stored && (decodeValue(stored) as ValueAt<T, Key>);
  }

  #encode(key: string, value: unknown): Uint8Array {
    this.#assertOpen();
    return this.#rules.encode(key, value);
  }

  #write(key: string, value: Uint8Array | undefined, options: SetOptions): WriteHandle {
    this.#assertOpen();
    parseName("key", key);
    const { untilDisconnect } = options;
    const ttlMs = untilDisconnect
      ? parseBoundTtl(options.ttlMs, this.#options)
      : options.ttlMs === undefined
        ? this.#options.ttlMs
        : parseTtl(options.ttlMs);
    const headers = options.headers && parseHeaders(options.headers);
    this.#admit(1, sizeOf({ key, value }));
    const ifSeq = parseSeq(options.ifSeq);
    const request = { key, value, ttlMs, headers, ifSeq, quiet: false, untilDisconnect };
    const write = this.#runner.write(request);
    return { id: write.id, key, settled: () => this.#runner.ledger.outcomeOf(write) };
  }

  #admit(writes: number, bytes: number): void {
    this.#rules.admit(this.#runner.ledger, writes, bytes);
  }

  // ── what is not stored yet ───────────────────────────────────────────────────────────────────────────────────────

  /** Some write is not yet acknowledged. */
  hasUnsavedChanges(): boolean {
    return this.#runner.ledger.size > 0;
  }

  /** How many writes are not yet acknowledged. */
  get pendingWrites(): number {
    return this.#runner.ledger.size;
  }

  /** How many failed writes {@link writes} lists. */
  get failedWrites(): number {
    return this.#runner.ledger.failures;
  }

  /** Keys with a write that is not yet acknowledged. */
  unsavedChanges(): string[] {
    return [...new Set(Array.from(this.#runner.ledger.open(), ({ key }) => key))];
  }

  /** Nothing is unsaved, of one key or of all. */
  isStable(key?: string): boolean {
    return key === undefined ? !this.hasUnsavedChanges() : !this.#runner.state.isPending(key);
  }

  /**
   * Resolves when everything written so far is acknowledged; see {@link durability} for what that means.
   * @throws ConatError the first failure among these writes, or `timeout`; a deadline ends the wait, not the writes
   */
  async save(options: { readonly timeoutMs?: number | undefined } = {}): Promise<void> {
    const timeoutMs = parseTimeout(options.timeoutMs, this.#options.timeoutMs);
    this.#runner.flush();
    await this.#runner.ledger.drained(timeoutMs);
  }

  /**
   * Resolves with how the newest write of a key ended; `undefined` when none is under way.
   * @throws ConatError `timeout`, which ends the wait and not the write
   */
  async settled(
    key: string,
    options: { readonly timeoutMs?: number | undefined } = {},
  ): Promise<WriteOutcome | undefined> {
    const timeoutMs = parseTimeout(options.timeoutMs, this.#options.timeoutMs);
    const write = this.#runner.newestWrite(key);
    const late = `the write of ${JSON.stringify(key)} has not ended within ${timeoutMs} ms; it goes on`;
    return (
      write &&
      within(timeoutMs, this.#runner.ledger.outcomeOf(write), () => new ConatError("timeout", late))
    );
  }

  /** Writes not yet acknowledged, and the last that failed; each can be retried or discarded. */
  writes(): WriteInfo<AnyValue<T>>[] {
    return listWrites<AnyValue<T>>(this.#runner, (failed) => {
      this.#assertOpen();
      this.#admit(1, sizeOf(failed));
      const { key, value, ttlMs, headers, untilDisconnect } = failed;
      const request = { key, value, ttlMs, headers, ifSeq: undefined, quiet: false };
      this.#runner.write({ ...request, untilDisconnect });
    });
  }

  // ── watching ─────────────────────────────────────────────────────────────────────────────────────────────────────

  get name(): string {
    return this.#options.ref.name;
  }

  get status(): StoreStatus {
    return this.#runner.status;
  }

  /** What an acknowledged write is safe from. */
  get durability(): Durability {
    return this.#runner.durability;
  }

  on<Name extends keyof DkvEvents<AnyValue<T>>>(
    event: Name,
    listener: (...args: DkvEvents<AnyValue<T>>[Name]) => void,
  ): () => void {
    return this.#emitter.on(event, listener);
  }

  once<Name extends keyof DkvEvents<AnyValue<T>>>(
    event: Name,
    listener: (...args: DkvEvents<AnyValue<T>>[Name]) => void,
  ): () => void {
    return this.#emitter.once(event, listener);
  }

  off<Name extends keyof DkvEvents<AnyValue<T>>>(
    event: Name,
    listener: (...args: DkvEvents<AnyValue<T>>[Name]) => void,
  ): void {
    this.#emitter.off(event, listener);
  }

  /** Calls `listener` after anything visible has changed, local changes included; once per batch of changes. */
  subscribe(listener: () => void): () => void {
    return this.#runner.notifier.subscribe(listener);
  }

  /** Calls `listener` after the visible value of one key may have changed. */
  subscribeKey(key: string, listener: () => void): () => void {
    return this.#runner.notifier.subscribeKey(key, listener);
  }

  /** @internal grows with every change of anything visible */
  get version(): number {
    return this.#runner.notifier.version;
  }

  /** @internal calls `watcher` with each key whose visible value may have changed, before subscribers are told */
  watchKeys(watcher: (key: string) => void): () => void {
    return this.#runner.notifier.watch(watcher);
  }

  /**
   * Every visible value: the same Map until something changes, then a copy. A value in it that cannot be frozen (a Date,
   * Map, Set or binary) is one copy for everybody who holds it. For large stores that change often, `immutableView` of
   * `@conat/conat/immutable` costs only what has changed.
   */
  snapshot(): ReadonlyMap<string, AnyValue<T>> {
    const { version } = this.#runner.notifier;
    if (this.#snapshot?.version !== version)
      this.#snapshot = { version, values: new Map(this.entries()) };
    return this.#snapshot.values;
  }

  // ── the end ──────────────────────────────────────────────────────────────────────────────────────────────────────

  /** @internal one more holder */
  retain(): void {
    this.#references += 1;
  }

  get closed(): boolean {
    return this.#isClosing || this.#runner.status === "closed";
  }

  /**
   * Lets go of the store. The last holder's close sends what is pending and waits for it, up to the store's deadline.
   * Need not be awaited; the promise rejects when something could not be stored. A page that is being left sends
   * what it can by itself; `warnBeforeUnload` has the browser ask first.
   */
  close(): Promise<void> {
    if (this.#references > 1) {
      this.#references -= 1;
      return Promise.resolve();
    }
    this.#closing ??= this.#close();
    this.#closing.catch(() => {}); // reported to whoever awaits it, and as `reject` events
    return this.#closing;
  }

  /** Ends the store without waiting for anything. */
  abort(error: ConatError): void {
    this.#runner.close(error);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #close(): Promise<void> {
    this.#isClosing = true;
    try {
      this.#runner.endBound();
      if (this.hasUnsavedChanges()) await this.save();
    } finally {
      this.#runner.close(
        new ConatError("closed", "the store was closed before the write was acknowledged"),
      );
      this.#emitter.removeAllListeners();
    }
  }

  #assertOpen(): void {
    if (!this.closed) return;
    throw new ConatError(
      "closed",
      `the store ${JSON.stringify(this.name)} is closed; open it again with dkv()`,
    );
  }
}
