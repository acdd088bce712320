import type { DKV, StoreStatus } from "@conat/conat";

/** What is worth knowing of a store, whatever it holds. */
export type AnyStore = Pick<
  DKV,
  "name" | "status" | "size" | "keys" | "seq" | "pendingWrites" | "on"
>;

export interface Watch {
  /** What the store is called on the page. */
  readonly label: string;
  /** The page writes it by itself: nobody misses a write of it. @default false */
  readonly isBackground?: boolean;
}

export interface StoreReport {
  readonly label: string;
  readonly name: string;
  readonly status: StoreStatus;
  readonly keys: number;
  /** Highest sequence seen. */
  readonly sequence: number;
  /** Writes that are not acknowledged. */
  readonly pending: number;
  /** Confirmed versions seen since it was opened. */
  readonly changes: number;
}

/** How the writes of all watched stores are doing. */
export interface WritesView {
  /** Writes of somebody at this window that are not acknowledged. */
  readonly pending: number;
}

interface Watched extends Watch {
  readonly store: AnyStore;
  sequence: number;
  changes: number;
}

/** The stores that the page has open, for what is about all of them: the light, the drawer, and leaving the page. */
export class WatchedStores {
  readonly #watched = new Set<Watched>();
  readonly #listeners = new Set<() => void>();
  #view: WritesView = { pending: 0 };

  /** Watches a store until the returned function is called. */
  add(store: AnyStore, watch: Watch): () => void {
    const sequence = store.keys().reduce((most, key) => Math.max(most, store.seq(key)), 0);
    const watched: Watched = { ...watch, store, sequence, changes: 0 };
    this.#watched.add(watched);
    const stops = [
      store.on("change", ({ seq }) => {
        watched.changes += 1;
        watched.sequence = Math.max(watched.sequence, seq);
      }),
      store.on("writes", () => this.#update()),
      store.on("closed", () => this.#update()),
    ];
    this.#update();
    return () => {
      for (const stop of stops) stop();
      this.#watched.delete(watched);
      this.#update();
    };
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  };

  /** The same object until a write is made or ends. */
  readonly writes = (): WritesView => this.#view;

  reports(): StoreReport[] {
    return Array.from(this.#watched, ({ label, store, sequence, changes }) => ({
      label,
      name: store.name,
      status: store.status,
      keys: store.size,
      sequence,
      pending: store.pendingWrites,
      changes,
    }));
  }

  #update(): void {
    let pending = 0;
    for (const { store, isBackground } of this.#watched) {
      if (!isBackground) pending += store.pendingWrites;
    }
    if (pending === this.#view.pending) return;
    this.#view = { pending };
    for (const listener of [...this.#listeners]) listener();
  }
}
