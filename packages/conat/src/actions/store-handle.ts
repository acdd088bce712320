import type { DKV, SetOptions } from "../dkv/dkv.ts";
import type { DkvEvents } from "../dkv/dkv-events.ts";
import type { DkvOptions } from "../dkv/dkv-options.ts";
import type { StoreStatus } from "../dkv/dkv-runner.ts";
import { dkv } from "../dkv/open-dkv.ts";
import type { AnyValue, ValueAt } from "../dkv/value-types.ts";
import { ConatError, toConatError } from "../protocol/conat-error.ts";
import { reportUncaught } from "../util/emitter.ts";
import { tell } from "../util/tell.ts";
import { listRejected, type RejectedWrite } from "./rejected-writes.ts";

/** Between two attempts to open a store, in milliseconds; each attempt waits for the connection by itself. */
const REOPEN_PAUSE_MS = 1_000;

/** Operations that wait for the store to open; past it they throw `outbox-full`. */
const DEFAULT_MAX_EARLY = 1_000;

export interface StoreHandleOptions {
  /** Told why the store cannot be opened, and why an operation that waited for it failed. @default an uncaught error */
  readonly onError?: ((error: ConatError) => void) | undefined;
  /** Operations that may wait for the store to open; past it they throw `outbox-full`. @default 1000 */
  readonly maxEarly?: number | undefined;
}

/** What there is to know of a store beside its content. The same object until something of it changes. */
export interface StoreState<T = unknown> {
  /** The store itself, once it is open. */
  readonly store: DKV<T> | undefined;
  /** `closed` is final: it was refused, or has ended. */
  readonly status: StoreStatus;
  /** Why the store cannot be used, or not yet; or why a write was refused, until the next write. */
  readonly error: ConatError | undefined;
}

/** The state of a store that nobody has heard of yet. */
export const LOADING = {
  store: undefined,
  status: "loading",
  error: undefined,
} as const satisfies StoreState;

interface Following<T> {
  readonly start: (store: DKV<T>) => () => void;
  stop: (() => void) | undefined;
}

/**
 * A store that can be used at once: what is done with it before it is open waits, in order, and is done then. Until
 * then it reads as empty. It goes on trying to open while the hub is away. Listeners end with the handle, also when
 * others keep the same store open.
 */
export class StoreHandle<T = unknown> {
  readonly #options: DkvOptions<T>;
  readonly #onError: (error: ConatError) => void;
  readonly #maxEarly: number;
  readonly #opened: Promise<DKV<T>>;
  readonly #following = new Set<Following<T>>();
  readonly #waking = new Set<() => void>();
  #early: ((store: DKV<T>) => void)[] = [];
  readonly #watching = new Set<() => void>();
  #store: DKV<T> | undefined;
  #error: ConatError | undefined;
  #state: StoreState<T> = LOADING;
  #rejected: readonly RejectedWrite<T>[] = [];
  #closing: Promise<void> | undefined;

  constructor(options: DkvOptions<T>, handling: StoreHandleOptions = {}) {
    this.#options = options;
    this.#onError = handling.onError ?? reportUncaught;
    this.#maxEarly = handling.maxEarly ?? DEFAULT_MAX_EARLY;
    this.on("status", (status) => this.#become({ status }));
    this.on("closed", (error) => this.#become({ status: "closed", error }));
    this.on("reject", ({ error }) => this.#become({ error }));
    this.on("error", (error) => this.#become({ error }));
    this.onOpen(() => this.#listRejected());
    this.on("writes", () => this.#listRejected());
    this.#opened = this.#open();
    this.#opened.catch((error: unknown) => {
      this.#error = toConatError(error);
      this.#early = [];
      this.#become({ status: "closed", error: this.#error });
      if (!this.closed) this.#onError(this.#error);
      this.#wake();
    });
  }

  // ── reading ──────────────────────────────────────────────────────────────────────────────────────────────────────

  /** The store itself, while it is open. */
  get store(): DKV<T> | undefined {
    return this.#store;
  }

  get status(): StoreStatus {
    if (this.closed || this.#error) return "closed";
    return this.#store?.status ?? "loading";
  }

  /** The same object until something of it changes. */
  get state(): StoreState<T> {
    return this.#state;
  }

  /** Why the store could not be opened. */
  get error(): ConatError | undefined {
    return this.#error;
  }

  get closed(): boolean {
    return this.#closing !== undefined;
  }

  /** How many operations wait for the store to open. */
  get waiting(): number {
    return this.#early.length;
  }

  /** Writes that failed and were neither retried nor discarded; the same array until something of it changes. */
  get rejected(): readonly RejectedWrite<T>[] {
    return this.#rejected;
  }

  /**
   * Resolves when the store is open and what waited for that is done.
   * @throws ConatError why it cannot be opened; `closed`
   */
  ready(): Promise<DKV<T>> {
    return this.#opened;
  }

  get<Key extends string>(key: Key): ValueAt<T, Key> | undefined;
  get(): { [key: string]: AnyValue<T> };
  get(key?: string): unknown {
    if (key !== undefined) return this.#store?.get(key);
    return this.#store?.get() ?? Object.create(null);
  }

  has(key: string): boolean {
    return this.#store?.has(key) ?? false;
  }

  /** Every visible value: the same Map until something changes. */
  snapshot(): ReadonlyMap<string, AnyValue<T>> {
    return this.#store?.snapshot() ?? EMPTY;
  }

  // ── writing ──────────────────────────────────────────────────────────────────────────────────────────────────────

  /** @throws ConatError what `DKV.set` throws, `outbox-full` when too much waits, or why there is no store */
  set<Key extends string>(key: Key, value: ValueAt<T, Key>, options?: SetOptions): void {
    this.do((store) => void store.set(key, value, options));
  }

  delete(key: string, options?: Pick<SetOptions, "ifSeq" | "headers">): void {
    this.do((store) => void store.delete(key, options));
  }

  clear(): void {
    this.do((store) => store.clear());
  }

  /** See `DKV.update`. */
  async update<Key extends string>(
    key: Key,
    change: (value: ValueAt<T, Key> | undefined) => ValueAt<T, Key> | undefined,
  ): Promise<ValueAt<T, Key> | undefined> {
    this.#assertUsable();
    return (await this.#opened).update(key, change);
  }

  /** Does anything with the store: now, or when it is open, after everything that was asked for earlier. */
  do(operation: (store: DKV<T>) => void): void {
    this.#assertUsable();
    if (this.#state.error !== undefined) this.#become({ error: undefined });
    if (this.#store !== undefined) {
      operation(this.#store);
      return;
    }
    if (this.#early.length >= this.#maxEarly) {
      throw new ConatError("outbox-full", `${this.#maxEarly} writes wait for the store to open`);
    }
    this.#early.push(operation);
    this.#tellState();
  }

  // ── watching ─────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Calls `listener` with the store when it is open, before what waits for that is done; at once if it is open. */
  onOpen(listener: (store: DKV<T>) => void): () => void {
    return this.#follow((store) => {
      listener(store);
      return () => {};
    });
  }

  on<Name extends keyof DkvEvents<AnyValue<T>>>(
    event: Name,
    listener: (...args: DkvEvents<AnyValue<T>>[Name]) => void,
  ): () => void {
    return this.#follow((store) => store.on(event, listener));
  }

  /** Calls `listener` after anything visible has changed, and when the store is open or cannot be opened. */
  subscribe(listener: () => void): () => void {
    const stop = this.#follow((store) => store.subscribe(listener));
    return this.#whenWoken(listener, stop);
  }

  /** Calls `listener` after the visible value of one key may have changed, and when the store is open. */
  subscribeKey(key: string, listener: () => void): () => void {
    const stop = this.#follow((store) => store.subscribeKey(key, listener));
    return this.#whenWoken(listener, stop);
  }

  /** Calls `listener` after {@link state}, {@link waiting} or {@link rejected} has changed. */
  subscribeState(listener: () => void): () => void {
    const wake = (): void => listener();
    this.#watching.add(wake);
    return () => void this.#watching.delete(wake);
  }

  #whenWoken(listener: () => void, stop: () => void): () => void {
    const wake = (): void => listener();
    this.#waking.add(wake);
    return () => {
      this.#waking.delete(wake);
      stop();
    };
  }

  #follow(start: Following<T>["start"]): () => void {
    const following: Following<T> = { start, stop: this.#store && start(this.#store) };
    this.#following.add(following);
    return () => {
      following.stop?.();
      this.#following.delete(following);
    };
  }

  // ── the beginning and the end ────────────────────────────────────────────────────────────────────────────────────

  /**
   * Lets go of the store, also when it is not open yet: what waits for that is done first. Need not be awaited; the
   * promise rejects when something could not be stored.
   */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    this.#closing.catch(() => {}); // reported to whoever awaits it
    return this.#closing;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #close(): Promise<void> {
    for (const following of this.#following) following.stop?.();
    this.#following.clear();
    this.#waking.clear();
    this.#watching.clear();
    this.#state = { ...this.#state, status: "closed" };
    const waited = this.#early.length > 0;
    let store: DKV<T>;
    try {
      store = await this.#opened;
    } catch (error) {
      if (waited) throw error;
      return;
    }
    await store.close();
  }

  async #open(): Promise<DKV<T>> {
    for (;;) {
      try {
        const store = await dkv(this.#options);
        this.#take(store);
        return store;
      } catch (thrown) {
        const error = toConatError(thrown);
        const isAway = error.kind === "timeout" || error.kind === "unavailable";
        if (!isAway || this.closed) throw error;
        this.#become({ error });
        await new Promise((resolve) => setTimeout(resolve, REOPEN_PAUSE_MS));
        if (this.closed) throw error;
      }
    }
  }

  #take(store: DKV<T>): void {
    this.#store = store;
    this.#become({ store, status: store.status, error: undefined });
    for (const following of this.#following) following.stop = following.start(store);
    for (const operation of this.#early.splice(0)) {
      try {
        operation(store);
      } catch (error) {
        const failure = toConatError(error);
        this.#become({ error: failure });
        this.#onError(failure);
      }
    }
    this.#wake();
  }

  #listRejected(): void {
    if (this.#store === undefined) return;
    const again = (retry: () => void): void => this.do(retry);
    const now = listRejected(this.#store, this.#options, this.#rejected, again);
    if (now === this.#rejected) return;
    this.#rejected = now;
    this.#tellState();
  }

  #become(change: Partial<StoreState<T>>): void {
    if (this.closed) return;
    this.#state = { ...this.#state, ...change };
    this.#tellState();
  }

  #tellState(): void {
    for (const wake of [...this.#watching]) tell(wake);
  }

  #wake(): void {
    for (const wake of [...this.#waking]) tell(wake);
  }

  #assertUsable(): void {
    const { status, error } = this.#state;
    if (status !== "closed") return;
    const why = this.closed ? this.#error : error;
    const name = JSON.stringify(this.#options.name);
    throw why ?? new ConatError("closed", `the store ${name} was let go of; open it again`);
  }
}

const EMPTY: ReadonlyMap<string, never> = new Map<string, never>();
