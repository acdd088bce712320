import {
  ConatError,
  type DKV,
  type DkvOptions,
  dkv,
  type StoreStatus,
  type WriteInfo,
} from "@conat/conat";
import { reportUncaught, toError } from "./errors.ts";
import type { Lease, Shareable } from "./leases.ts";
import { Listeners } from "./listeners.ts";
import type { SharedClient } from "./shared-client.ts";

/** What a component sees of a store beside its content. The same object until something of it changes. */
export interface StoreState<T = unknown> {
  /** The store itself, once it is open. */
  readonly store: DKV<T> | undefined;
  /** `closed` is final: it was refused, or has ended. */
  readonly status: StoreStatus;
  /** Why the store cannot be used; or why a write was refused, until the next write. */
  readonly error: ConatError | undefined;
}

/** A write that was refused, or of which nobody can say whether it was stored. */
export interface RejectedWrite<T = unknown> extends Omit<WriteInfo<T>, "state"> {
  readonly state: "rejected" | "outcome-unknown";
  /** The options of the store that it was written to. */
  readonly options: DkvOptions<T>;
  /**
   * Writes the value again, over whatever is there now. False when it is off the list already.
   * @throws ConatError why the store has ended
   */
  retry(): boolean;
}

export const LOADING = {
  store: undefined,
  status: "loading",
  error: undefined,
} as const satisfies StoreState;

/** Writes that wait for the store to open; past it `set` throws `outbox-full`. */
const MAX_WAITING = 1_000;

/** Between two attempts to open a store, in milliseconds; each attempt waits for the connection by itself. */
const REOPEN_PAUSE_MS = 1_000;

/** One open store and everything that components want to know of it. */
export class SharedStore implements Shareable {
  readonly #client: Lease<SharedClient>;
  readonly #options: DkvOptions;
  readonly #opened: Promise<DKV>;
  readonly #listeners = new Listeners();
  #state: StoreState = LOADING;
  #stops: (() => void)[] = [];
  #waiting = 0;
  #rejected: readonly RejectedWrite[] = [];
  #released = false;

  constructor(client: Lease<SharedClient>, options: DkvOptions) {
    this.#client = client;
    this.#options = options;
    this.#opened = this.#open(options);
    this.#opened.catch(() => {}); // shown in the state, and to every write that waits
  }

  get state(): StoreState {
    return this.#state;
  }

  get ended(): boolean {
    return this.#state.status === "closed";
  }

  /** Writes that wait for the store to open. */
  get waiting(): number {
    return this.#waiting;
  }

  /** The same array until something of it changes. */
  get rejected(): readonly RejectedWrite[] {
    return this.#rejected;
  }

  /** Calls `listener` after {@link state}, {@link waiting} or {@link rejected} has changed. */
  subscribe(listener: () => void): () => void {
    return this.#listeners.add(listener);
  }

  /** Resolves when the store is open; rejects when it cannot be opened. */
  opened(): Promise<DKV> {
    return this.#opened;
  }

  /**
   * Writes at once, or in turn as soon as the store is open.
   * @throws ConatError what the write throws; `outbox-full` when too many wait; why the store cannot be used
   */
  write(action: (store: DKV) => void): void {
    const { store, status, error } = this.#state;
    if (status === "closed") throw error ?? new ConatError("closed", "the store is closed");
    if (error !== undefined) this.#set({ error: undefined });
    if (store !== undefined) {
      action(store);
      return;
    }
    if (this.#waiting >= MAX_WAITING) {
      throw new ConatError("outbox-full", `${MAX_WAITING} writes wait for the store to open`);
    }
    this.#setWaiting(1);
    this.#opened
      .then(action)
      .catch((thrown: unknown) => {
        if (this.#released) reportUncaught(thrown);
        else this.#set({ error: toError(thrown) });
      })
      .finally(() => this.#setWaiting(-1));
  }

  /** Lets go once everything written is stored; what cannot be stored in time is reported as an uncaught error. */
  close(): void {
    this.#released = true;
    this.#opened
      .then((store) => {
        for (const stop of this.#stops) stop();
        return store.close().catch(reportUncaught);
      })
      .catch(() => {})
      .finally(() => this.#client.release());
  }

  async #open(options: DkvOptions): Promise<DKV> {
    for (;;) {
      try {
        const { client, error } = this.#client.resource;
        if (client === undefined) throw error;
        const store = await dkv({ ...options, client });
        this.#follow(store);
        return store;
      } catch (thrown) {
        const error = toError(thrown);
        if (!this.#mayReopen(error)) {
          this.#set({ status: "closed", error });
          throw error;
        }
        this.#set({ error });
        await new Promise((resolve) => setTimeout(resolve, REOPEN_PAUSE_MS));
        if (this.#released) throw error;
      }
    }
  }

  /** A hub that is away ends one wait, not the wish of a component that is still there. */
  #mayReopen({ kind }: ConatError): boolean {
    return !this.#released && (kind === "timeout" || kind === "unavailable");
  }

  #follow(store: DKV): void {
    this.#stops = [
      store.on("status", (status) => this.#set({ status })),
      store.on("closed", (error) => this.#set({ status: "closed", error })),
      store.on("reject", ({ error }) => this.#set({ error })),
      store.on("error", (error) => this.#set({ error })),
      store.on("writes", () => this.#listRejected(store)),
    ];
    this.#set({ store, status: store.status, error: undefined });
    this.#listRejected(store);
  }

  #listRejected(store: DKV): void {
    if (store.failedWrites === 0 && this.#rejected.length === 0) return;
    const failed = store.writes().filter(isRejected);
    if (failed.length === this.#rejected.length) {
      if (failed.every(({ id }, at) => id === this.#rejected[at]?.id)) return;
    }
    this.#rejected = failed.map((write) => ({
      ...write,
      options: this.#options,
      retry: () => {
        const { status, error } = this.#state;
        if (status === "closed") throw error ?? new ConatError("closed", "the store is closed");
        return write.retry();
      },
    }));
    this.#listeners.tell();
  }

  #setWaiting(difference: number): void {
    this.#waiting += difference;
    this.#listeners.tell();
  }

  #set(change: Partial<StoreState>): void {
    this.#state = { ...this.#state, ...change };
    this.#listeners.tell();
  }
}

function isRejected(write: WriteInfo<unknown>): write is WriteInfo<unknown> & RejectedWrite {
  return write.state === "rejected" || write.state === "outcome-unknown";
}
