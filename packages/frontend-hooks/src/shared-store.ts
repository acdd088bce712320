import {
  ConatError,
  type DKV,
  type DkvOptions,
  type StoreStatus,
  type WriteInfo,
} from "@conat/conat";
import { StoreHandle } from "@conat/conat/actions";
import { reportUncaught } from "./errors.ts";
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

/** One open store and everything that components want to know of it. */
export class SharedStore implements Shareable {
  readonly #client: Lease<SharedClient>;
  readonly #options: DkvOptions;
  /** Absent when there is no client to open it with. */
  readonly #handle: StoreHandle | undefined;
  readonly #listeners = new Listeners();
  #state: StoreState = LOADING;
  #rejected: readonly RejectedWrite[] = [];
  #released = false;

  constructor(lease: Lease<SharedClient>, options: DkvOptions) {
    this.#client = lease;
    this.#options = options;
    const { client, error } = lease.resource;
    if (client === undefined) {
      this.#state = { ...LOADING, status: "closed", error };
      return;
    }
    const handle = new StoreHandle(
      { ...options, client },
      {
        onError: (error) => {
          if (this.#released) reportUncaught(error);
          else this.#set(handle.error ? { status: "closed", error } : { error });
        },
        onAway: (error) => this.#set({ error }),
      },
    );
    this.#handle = handle;
    handle.onOpen((store) => {
      this.#set({ store, status: store.status, error: undefined });
      this.#listRejected(store);
    });
    handle.on("status", (status) => this.#set({ status }));
    handle.on("closed", (error) => this.#set({ status: "closed", error }));
    handle.on("reject", ({ error }) => this.#set({ error }));
    handle.on("error", (error) => this.#set({ error }));
    handle.on("writes", () => handle.store && this.#listRejected(handle.store));
  }

  get state(): StoreState {
    return this.#state;
  }

  get ended(): boolean {
    return this.#state.status === "closed";
  }

  /** Writes that wait for the store to open. */
  get waiting(): number {
    return this.#handle?.waiting ?? 0;
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
    return this.#handle?.ready() ?? Promise.reject(this.#state.error);
  }

  /**
   * Writes at once, or in turn as soon as the store is open.
   * @throws ConatError what the write throws; `outbox-full` when too many wait; why the store cannot be used
   */
  write(action: (store: DKV) => void): void {
    this.#assertUsable();
    if (this.#state.error !== undefined) this.#set({ error: undefined });
    this.#handle?.do(action);
    if (this.#state.store === undefined) this.#listeners.tell();
  }

  /** Lets go once everything written is stored; what cannot be stored in time is reported as an uncaught error. */
  close(): void {
    this.#released = true;
    const closed = this.#handle?.close() ?? Promise.resolve();
    closed.catch(reportUncaught).finally(() => this.#client.release());
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
        this.#assertUsable();
        return write.retry();
      },
    }));
    this.#listeners.tell();
  }

  #assertUsable(): void {
    const { status, error } = this.#state;
    if (status === "closed") throw error ?? new ConatError("closed", "the store is closed");
  }

  #set(change: Partial<StoreState>): void {
    this.#state = { ...this.#state, ...change };
    this.#listeners.tell();
  }
}

function isRejected(write: WriteInfo<unknown>): write is WriteInfo<unknown> & RejectedWrite {
  return write.state === "rejected" || write.state === "outcome-unknown";
}
