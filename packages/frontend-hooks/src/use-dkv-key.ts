import type { DKV, ValueAt } from "@conat/conat";
import type { StoreState } from "@conat/conat/actions";
import { useEffect, useMemo, useRef, useSyncExternalStore } from "react";

import { type StoreAccess, type StoreOptions, useStoreAccess } from "./store-access.ts";
import { useDKVState } from "./use-dkv-state.ts";

/** Sets the value, or makes it of the present one; `undefined` removes the key. */
export type SetKey<Value, Present> = (
  next: Value | undefined | ((present: Present) => Value | undefined),
) => void;

export type UseDKVKey<Value, Present> = readonly [
  value: Present,
  set: SetKey<Value, Present>,
  state: StoreState,
];

/**
 * One key of a store: its value and its setter, as from `useState`. Renders again only when that key changes, or the
 * state of the store. `initial` is what the value is while there is none; it is not stored. Options may be inline.
 */
export function useDKVKey<T = unknown, Key extends string = string>(
  options: StoreOptions<T>,
  key: Key,
): UseDKVKey<ValueAt<T, Key>, ValueAt<T, Key> | undefined>;
export function useDKVKey<T = unknown, Key extends string = string>(
  options: StoreOptions<T>,
  key: Key,
  initial: ValueAt<T, Key>,
): UseDKVKey<ValueAt<T, Key>, ValueAt<T, Key>>;
export function useDKVKey<T, Key extends string>(
  options: StoreOptions<T>,
  key: Key,
  initial?: ValueAt<T, Key>,
): UseDKVKey<ValueAt<T, Key>, ValueAt<T, Key> | undefined> {
  type Value = ValueAt<T, Key> | undefined;
  const state = useDKVState(options);
  const access = useStoreAccess(options);
  const view = useMemo(() => createView(access, key), [access, key]);
  const value = useSyncExternalStore(view.subscribe, view.read, view.readOnServer);
  const latestInitial = useRef(initial);
  useEffect(() => {
    latestInitial.current = initial;
  });
  const set = useMemo(
    () =>
      (next: Value | ((present: Value) => Value)): void =>
        access.write((store) => {
          const stored = isUpdater(next) ? next(or(store.get(key), latestInitial.current)) : next;
          if (stored === undefined) store.delete(key);
          else store.set(key, stored);
        }),
    [access, key],
  );
  return [or(value, initial), set, state as StoreState];
}

/** `null` is a value; only `undefined` means that there is none. */
function or<Value>(value: Value | undefined, initial: Value | undefined): Value | undefined {
  return value === undefined ? initial : value;
}

function isUpdater<Value>(
  next: Value | ((present: Value) => Value),
): next is (value: Value) => Value {
  return typeof next === "function";
}

function createView<T, Key extends string>(access: StoreAccess<T>, key: Key) {
  type Value = ValueAt<T, Key> | undefined;
  const initial = access.initial?.get(key) as Value;
  let last: Value;
  let lastStore: DKV<T> | undefined;
  /** The store copies the value for every reader, so that two reads of one version are never the same object. */
  let copied = false;
  let stale = true;

  const read = (): Value => {
    const { store } = access.state;
    if (store === undefined) return initial;
    if (copied && !stale && store === lastStore) return last;
    last = store.get(key);
    copied = !Object.is(last, store.get(key));
    stale = false;
    lastStore = store;
    return last;
  };

  const subscribe = (onChange: () => void): (() => void) => {
    const changed = (): void => {
      stale = true;
      onChange();
    };
    stale = true;
    return access.subscribe((store) => store.subscribeKey(key, changed), onChange);
  };

  return { read, readOnServer: () => initial, subscribe };
}
