import type { ConatError, DKV, DkvOptions } from "@conat/conat";
import {
  type Lease,
  LOADING,
  type RejectedWrite,
  reportUncaught,
  type Shareable,
  StoreHandle,
  type StoreState,
} from "@conat/conat/actions";
import type { SharedClient } from "./shared-client.ts";

/** One open store, for all components below a provider. */
export class SharedStore implements Shareable {
  readonly #client: Lease<SharedClient>;
  /** Absent when there is no client to open it with. */
  readonly #handle: StoreHandle | undefined;
  readonly #stillborn: StoreState;
  #released = false;

  /** @param onChange what {@link subscribe} would call first */
  constructor(lease: Lease<SharedClient>, options: DkvOptions, onChange: () => void) {
    this.#client = lease;
    const { client, error } = lease.resource;
    this.#stillborn = { ...LOADING, status: "closed", error };
    if (client === undefined) return;
    // What goes wrong is in its state, for as long as there is somebody to look at it.
    const onError = (error: ConatError): void => {
      if (this.#released) reportUncaught(error);
    };
    this.#handle = new StoreHandle({ ...options, client }, { onError });
    this.#handle.subscribeState(onChange);
  }

  get state(): StoreState {
    return this.#handle?.state ?? this.#stillborn;
  }

  get ended(): boolean {
    return this.state.status === "closed";
  }

  /** Writes that wait for the store to open. */
  get waiting(): number {
    return this.#handle?.waiting ?? 0;
  }

  /** The same array until something of it changes. */
  get rejected(): readonly RejectedWrite[] {
    return this.#handle?.rejected ?? NONE;
  }

  /** Calls `listener` after {@link state}, {@link waiting} or {@link rejected} has changed. */
  subscribe(listener: () => void): () => void {
    return this.#handle?.subscribeState(listener) ?? (() => {});
  }

  /** Resolves when the store is open; rejects when it cannot be opened. */
  opened(): Promise<DKV> {
    return this.#handle?.ready() ?? Promise.reject(this.state.error);
  }

  /**
   * Writes at once, or in turn as soon as the store is open.
   * @throws ConatError what the write throws; `outbox-full` when too many wait; why the store cannot be used
   */
  write(action: (store: DKV) => void): void {
    if (this.#handle === undefined) throw this.state.error;
    this.#handle.do(action);
  }

  /** Lets go once everything written is stored; what cannot be stored in time is reported as an uncaught error. */
  close(): void {
    this.#released = true;
    const closed = this.#handle?.close() ?? Promise.resolve();
    closed.catch(reportUncaught).finally(() => this.#client.release());
  }
}

/** No rejected writes, always the same. */
export const NONE: readonly RejectedWrite[] = [];
