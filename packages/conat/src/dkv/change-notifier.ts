import { reportUncaught } from "../util/emitter.ts";

type Listener = () => void;

/** Tells subscribers that what they can see has changed: once per batch, whatever the number of changes in it. */
export class ChangeNotifier {
  readonly #watchers = new Set<(key: string) => void>();
  readonly #all = new Set<Listener>();
  readonly #byKey = new Map<string, Set<Listener>>();
  readonly #changed = new Set<string>();
  #depth = 0;
  #version = 0;

  /** Grows with every change of anything visible. */
  get version(): number {
    return this.#version;
  }

  subscribe(listener: Listener): () => void {
    const own = (): void => listener();
    this.#all.add(own);
    return () => void this.#all.delete(own);
  }

  subscribeKey(key: string, listener: Listener): () => void {
    const own = (): void => listener();
    const listeners = this.#byKey.get(key) ?? new Set();
    this.#byKey.set(key, listeners.add(own));
    return () => {
      listeners.delete(own);
      if (listeners.size === 0 && this.#byKey.get(key) === listeners) this.#byKey.delete(key);
    };
  }

  /**
   * Calls `watcher` with each key as it changes, within the batch: for what must never be older than the store. Unlike
   * a listener it is our own code; it only takes note.
   */
  watch(watcher: (key: string) => void): () => void {
    this.#watchers.add(watcher);
    return () => void this.#watchers.delete(watcher);
  }

  /** Runs `work` and then tells about every key it marked. What is done for every write needs no closure of its own. */
  batch<Args extends unknown[], Result>(work: (...args: Args) => Result, ...args: Args): Result {
    this.#depth += 1;
    try {
      return work(...args);
    } finally {
      this.#depth -= 1;
      if (this.#depth === 0) this.#tell();
    }
  }

  mark(key: string): void {
    this.#version += 1;
    if (this.#all.size + this.#byKey.size > 0) this.#changed.add(key);
    for (const watcher of this.#watchers) watcher(key);
    if (this.#depth === 0) this.#tell();
  }

  clear(): void {
    this.#watchers.clear();
    this.#all.clear();
    this.#byKey.clear();
  }

  #tell(): void {
    if (this.#changed.size === 0) return;
    const keys = [...this.#changed];
    this.#changed.clear();
    if (this.#byKey.size > 0) for (const key of keys) callAll(this.#byKey.get(key));
    callAll(this.#all);
  }
}

function callAll(listeners: ReadonlySet<Listener> | undefined): void {
  for (const listener of [...(listeners ?? [])]) {
    try {
      listener();
    } catch (error) {
      reportUncaught(error);
    }
  }
}
