import {
  computed,
  onScopeDispose,
  type ShallowRef,
  shallowRef,
  type WritableComputedRef,
} from "vue";
import { StoreHandle } from "../actions/store-handle.ts";
import type { DkvOptions } from "../dkv/dkv-options.ts";
import type { StoreStatus } from "../dkv/dkv-runner.ts";
import type { AnyValue, ValueAt } from "../dkv/value-types.ts";
import type { ConatError } from "../protocol/conat-error.ts";

export interface UseDKV<T> {
  /** Every value by key; empty until the store is open. */
  readonly values: Readonly<ShallowRef<ReadonlyMap<string, AnyValue<T>>>>;
  readonly status: Readonly<ShallowRef<StoreStatus>>;
  /** Why the store cannot be used; or why a write was refused, until the next write. */
  readonly error: Readonly<ShallowRef<ConatError | undefined>>;
  /** For writing; also before the store is open. */
  readonly store: StoreHandle<T>;
}

/** A whole store, open as long as the component or effect scope that it is called in. */
export function useDKV<T = unknown>(options: DkvOptions<T>): UseDKV<T> {
  const store = open(options, () => {}); // what goes wrong is in its state
  const values = shallowRef(store.snapshot());
  const status = shallowRef(store.status);
  const error = shallowRef(store.state.error);
  const update = (): void => {
    values.value = store.snapshot();
    status.value = store.status;
    error.value = store.state.error;
  };
  store.subscribe(update);
  store.subscribeState(update);
  return { values, status, error, store };
}

/** One key of a store, to read and to set: `title.value = "New"`. `undefined` removes the key. */
export function useDKVKey<T = unknown, Key extends string = string>(
  options: DkvOptions<T>,
  key: Key,
  initial?: ValueAt<T, Key>,
): WritableComputedRef<ValueAt<T, Key> | undefined> {
  const store = open(options);
  const value = shallowRef(store.get(key));
  store.subscribeKey(key, () => {
    value.value = store.get(key);
  });
  return computed({
    get: () => (value.value === undefined ? initial : value.value),
    set: (next) => (next === undefined ? store.delete(key) : store.set(key, next)),
  });
}

function open<T>(options: DkvOptions<T>, onError?: (error: ConatError) => void): StoreHandle<T> {
  const store = new StoreHandle(options, { onError });
  onScopeDispose(() => void store.close());
  return store;
}
