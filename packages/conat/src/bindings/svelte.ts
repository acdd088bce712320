import type { ValueAt } from "../dkv/value-types.ts";
import type { KeyedStore, Source } from "./source.ts";

export type { KeyedStore, Source } from "./source.ts";

/** Svelte's store contract: `subscribe` calls `run` at once and after every change. */
export interface Readable<Value> {
  subscribe(run: (value: Value) => void): () => void;
}

export interface Writable<Value> extends Readable<Value> {
  set(value: Value): void;
  update(change: (value: Value) => Value): void;
}

/** A whole store as a Svelte store: `$todos.get("milk")`. Pass `immutableView(store)` for one that is large. */
export function readable<Value>(source: Source<Value>): Readable<Value> {
  return {
    subscribe: (run) => follow(run, source.subscribe.bind(source), () => source.snapshot()),
  };
}

/** One key of a store as a Svelte store: `$title = "New"`; `undefined` removes the key. */
export function writable<T, Key extends string>(
  store: KeyedStore<T>,
  key: Key,
): Writable<ValueAt<T, Key> | undefined> {
  const set = (value: ValueAt<T, Key> | undefined): void => {
    if (value === undefined) store.delete(key);
    else store.set(key, value);
  };
  return {
    subscribe: (run) =>
      follow(
        run,
        (listener) => store.subscribeKey(key, listener),
        () => store.get(key),
      ),
    set,
    update: (change) => set(change(store.get(key))),
  };
}

function follow<Value>(
  run: (value: Value) => void,
  subscribe: (listener: () => void) => () => void,
  read: () => Value,
): () => void {
  let shown = read();
  const stop = subscribe(() => {
    const value = read();
    if (Object.is(value, shown)) return;
    shown = value;
    run(value);
  });
  run(shown);
  return stop;
}
