import { ConatError, type DKV, type DkvOptions, dkv, type StoreStatus } from "@conat/conat";
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
  readonly #opened: Promise<DKV>;
  readonly #listeners = new Listeners();
  #state: StoreState = LOADING;
  #stops: (() => void)[] = [];
  #waiting = 0;
  #released = false;

  constructor(client: Lease<SharedClient>, options: DkvOptions) {
    this.#client = client;
    this.#opened = this.#open(options);
    this.#opened.catch(() => {}); // shown in the state, and to every write that waits
  }

  get state(): StoreState {
    return this.#state;
  }

  get ended(): boolean {
    return this.#state.status === "closed";
  }

  /** Calls `listener` after {@link state} has changed. */
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
    this.#waiting += 1;
    this.#opened
      .then(action)
      .catch((thrown: unknown) => {
        if (this.#released) reportUncaught(thrown);
        else this.#set({ error: toError(thrown) });
      })
      .finally(() => {
        this.#waiting -= 1;
      });
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
    ];
    this.#set({ store, status: store.status, error: undefined });
  }

  #set(change: Partial<StoreState>): void {
    this.#state = { ...this.#state, ...change };
    this.#listeners.tell();
  }
}
