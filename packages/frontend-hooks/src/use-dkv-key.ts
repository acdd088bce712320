import type { DKV, ValueAt } from "@conat/conat";
import { useEffect, useMemo, useRef, useSyncExternalStore } from "react";
import { LOADING, type StoreState } from "./shared-store.ts";
import {
  type StoreAccess,
  type StoreOptions,
  useStoreAccess,
  useThrownError,
} from "./store-access.ts";

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
  const access = useStoreAccess(options);
  const view = useMemo(() => createView(access, key), [access, key]);
  const { value, state } = useSyncExternalStore(view.subscribe, view.read, view.readOnServer);
  useThrownError(options.throwErrors, state.status === "closed" ? state.error : undefined);
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

interface KeySnapshot<T, Key extends string> {
  readonly value: ValueAt<T, Key> | undefined;
  readonly state: StoreState<T>;
}

function createView<T, Key extends string>(access: StoreAccess<T>, key: Key) {
  const initial = access.initial?.get(key) as ValueAt<T, Key> | undefined;
  const onServer: KeySnapshot<T, Key> = { value: initial, state: LOADING };
  let last = onServer;
  /** The store copies the value for every reader, so that two reads of one version are never the same object. */
  let copied = false;
  let stale = true;

  const readValue = (store: DKV<T> | undefined): ValueAt<T, Key> | undefined => {
    if (store === undefined) return initial;
    if (copied && !stale && store === last.state.store) return last.value;
    const value = store.get(key);
    copied = !Object.is(value, store.get(key));
    stale = false;
    return value;
  };

  const read = (): KeySnapshot<T, Key> => {
    const { state } = access;
    const value = readValue(state.store);
    if (last.state !== state || !Object.is(last.value, value)) {
      last = { value, state };
    }
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

  return { read, readOnServer: () => onServer, subscribe };
}
