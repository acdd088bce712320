import type { ConatError, DKV, StoreStatus, WriteInfo } from "@conat/conat";

/** What is worth knowing of a store, whatever it holds. */
export type AnyStore = Pick<
  DKV,
  "name" | "status" | "size" | "keys" | "seq" | "writes" | "hasUnsavedChanges" | "on"
>;

export interface Watch {
  /** What the store is called on the page. */
  readonly label: string;
  /** What a change of it is called on the page. */
  readonly describe: (key: string, value: unknown) => string;
  /** Nobody but the page itself writes it, so that nobody misses a write of it. @default false */
  readonly isBackground?: boolean;
}

export interface RejectedWrite {
  /** Of all stores together. */
  readonly id: string;
  readonly what: string;
  readonly error: ConatError | undefined;
  retry(): void;
  discard(): void;
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
  readonly rejected: readonly RejectedWrite[];
}

interface Watched extends Watch {
  readonly store: AnyStore;
  sequence: number;
  changes: number;
}

/** The stores that the page has open, for what is about all of them: the tray, the drawer, and leaving the page. */
export class WatchedStores {
  readonly #watched = new Set<Watched>();
  readonly #listeners = new Set<() => void>();
  #view: WritesView = { pending: 0, rejected: [] };

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
      pending: openWrites(store).length,
      changes,
    }));
  }

  #update(): void {
    const mine = Array.from(this.#watched).filter(({ isBackground }) => !isBackground);
    this.#view = {
      pending: mine.reduce((sum, { store }) => sum + openWrites(store).length, 0),
      rejected: mine.flatMap(rejectedOf),
    };
    for (const listener of [...this.#listeners]) listener();
  }
}

function openWrites(store: AnyStore): WriteInfo<unknown>[] {
  return store.writes().filter(({ state }) => state === "pending" || state === "in-flight");
}

function rejectedOf({ label, store, describe }: Watched): RejectedWrite[] {
  return store
    .writes()
    .filter(({ state }) => state === "rejected" || state === "outcome-unknown")
    .map((write) => ({
      id: `${label} ${write.id}`,
      what: describe(write.key, write.value),
      error: write.error,
      retry: () => void write.retry(),
      discard: () => void write.discard(),
    }));
}
