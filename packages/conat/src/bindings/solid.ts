import { type Accessor, createSignal, onCleanup } from "solid-js";
import { StoreHandle } from "../actions/store-handle.ts";
import type { DkvOptions } from "../dkv/dkv-options.ts";
import type { StoreStatus } from "../dkv/dkv-runner.ts";
import type { AnyValue, ValueAt } from "../dkv/value-types.ts";
import type { ConatError } from "../protocol/conat-error.ts";

export interface CreateDKV<T> {
  /** Every value by key; empty until the store is open. */
  readonly values: Accessor<ReadonlyMap<string, AnyValue<T>>>;
  readonly status: Accessor<StoreStatus>;
  /** Why the store cannot be used; or why a write was refused, until the next write. */
  readonly error: Accessor<ConatError | undefined>;
  /** For writing; also before the store is open. */
  readonly store: StoreHandle<T>;
}

/** A whole store, open as long as the owner that it is called in. */
export function createDKV<T = unknown>(options: DkvOptions<T>): CreateDKV<T> {
  const store = open(options, () => {}); // what goes wrong is in its state
  const [values, setValues] = createSignal(store.snapshot());
  const [status, setStatus] = createSignal(store.status);
  const [error, setError] = createSignal(store.state.error);
  const update = (): void => {
    setValues(() => store.snapshot());
    setStatus(() => store.status);
    setError(() => store.state.error);
  };
  store.subscribe(update);
  store.subscribeState(update);
  return { values, status, error, store };
}

/** One key of a store: what it is, and what sets it; `undefined` removes the key. */
export function createDKVKey<T = unknown, Key extends string = string>(
  options: DkvOptions<T>,
  key: Key,
  initial?: ValueAt<T, Key>,
): readonly [
  value: Accessor<ValueAt<T, Key> | undefined>,
  set: (value: ValueAt<T, Key> | undefined) => void,
] {
  type Value = ValueAt<T, Key> | undefined;
  const store = open(options);
  const [stored, setStored] = createSignal<Value>(store.get(key));
  store.subscribeKey(key, () => void setStored(() => store.get(key)));
  const value = (): Value => {
    const now = stored();
    return now === undefined ? initial : now;
  };
  const set = (next: Value): void => {
    if (next === undefined) store.delete(key);
    else store.set(key, next);
  };
  return [value, set];
}

function open<T>(options: DkvOptions<T>, onError?: (error: ConatError) => void): StoreHandle<T> {
  const store = new StoreHandle(options, { onError });
  onCleanup(() => void store.close());
  return store;
}
