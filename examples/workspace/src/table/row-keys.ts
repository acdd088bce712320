import type { DKV } from "@conat/conat";

/** The keys of a store, sorted. Made anew only when a key comes or goes, and then at most once per frame. */
export class RowKeys {
  readonly #listeners = new Set<() => void>();
  #keys: readonly string[] = [];
  #frame = 0;
  #stop: (() => void) | undefined;

  /** Follows another store, or none. */
  follow(store: DKV | undefined): () => void {
    this.#stop?.();
    const stop = store?.on("change", ({ value, prev }) => {
      if ((value === undefined) === (prev === undefined)) return;
      this.#frame ||= requestAnimationFrame(() => this.#read(store));
    });
    if (store) this.#read(store);
    this.#stop = () => {
      stop?.();
      cancelAnimationFrame(this.#frame);
      this.#frame = 0;
    };
    return this.#stop;
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  };

  readonly keys = (): readonly string[] => this.#keys;

  #read(store: DKV): void {
    this.#frame = 0;
    this.#keys = store.keys().sort();
    for (const listener of [...this.#listeners]) listener();
  }
}
