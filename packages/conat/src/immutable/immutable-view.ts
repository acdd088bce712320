import { Map as ImmutableMap, is } from "immutable";
import type { DKV } from "../dkv/dkv.ts";
import type { AnyValue } from "../dkv/value-types.ts";

/** A whole store as an Immutable.js Map. */
export interface ImmutableView<T = unknown> {
  /**
   * Every visible value, in no order: the same Map until something changes, then one that shares with it everything
   * that did not. While somebody is subscribed, a change costs what has changed, whatever the size of the store.
   */
  snapshot(): ImmutableMap<string, AnyValue<T>>;
  /** Calls `listener` after anything visible has changed, once per batch of changes. Returns the function that stops it. */
  subscribe(listener: () => void): () => void;
}

/** The view of a store; all who ask for it share it, and with it its snapshots. */
export function immutableView<T>(store: DKV<T>): ImmutableView<T> {
  const known = views.get(store as DKV);
  if (known !== undefined) return known as View<T>;
  const view = new View(store);
  views.set(store as DKV, view as View<unknown>);
  return view;
}

const views = new WeakMap<DKV, View<unknown>>();

class View<T> implements ImmutableView<T> {
  readonly #store: DKV<T>;
  #values = ImmutableMap<string, AnyValue<T>>();
  /** Keys that may differ from {@link #values}; `undefined` while nobody watches, when any may. */
  #changed: Set<string> | undefined;
  /** Version of the store that {@link #values} shows while nobody watches. */
  #version = -1;
  #subscribers = 0;
  #unwatch: (() => void) | undefined;

  constructor(store: DKV<T>) {
    this.#store = store;
  }

  snapshot(): ImmutableMap<string, AnyValue<T>> {
    if (this.#changed === undefined) {
      if (this.#version !== this.#store.version) this.#takeAll();
    } else if (this.#changed.size > 0) {
      this.#take(this.#changed);
      this.#changed.clear();
    }
    return this.#values;
  }

  subscribe(listener: () => void): () => void {
    const unsubscribe = this.#store.subscribe(listener);
    this.#subscribers += 1;
    if (this.#subscribers === 1) this.#watch();
    let subscribed = true;
    return () => {
      if (!subscribed) return;
      subscribed = false;
      unsubscribe();
      this.#subscribers -= 1;
      if (this.#subscribers === 0) this.#rest();
    };
  }

  #watch(): void {
    this.snapshot();
    const changed = new Set<string>();
    this.#changed = changed;
    this.#unwatch = this.#store.watchKeys((key) => void changed.add(key));
  }

  #rest(): void {
    this.snapshot();
    this.#version = this.#store.version;
    this.#unwatch?.();
    this.#changed = undefined;
  }

  #takeAll(): void {
    this.#version = this.#store.version;
    const keys = new Set(this.#store.keys());
    for (const key of this.#values.keys()) keys.add(key);
    this.#take(keys);
  }

  #take(keys: Iterable<string>): void {
    this.#values = this.#values.withMutations((values) => {
      for (const key of keys) {
        const value = this.#store.get(key) as AnyValue<T> | undefined;
        if (value === undefined && !this.#store.has(key)) values.delete(key);
        // A date is decoded for every reader anew, and the same all the same.
        else if (!(value instanceof Date && is(values.get(key), value))) {
          values.set(key, value as AnyValue<T>);
        }
      }
    });
  }
}
