import { useMemo, useSyncExternalStore } from "react";
import { LOADING, type StoreState } from "./shared-store.ts";
import {
  type StoreAccess,
  type StoreOptions,
  useStoreAccess,
  useThrownError,
} from "./store-access.ts";
import { createValuesView, type Values } from "./values-view.ts";

export interface UseDKV<T>
  extends StoreState<T>,
    Pick<StoreAccess<T>, "set" | "delete" | "update"> {
  /** Every value by key, local changes included, in no order; empty until the store is open. The same until one changes. */
  readonly values: Values<T>;
}

/**
 * A whole store: renders again whenever anything in it changes. What that costs depends on what has changed, not on the
 * size of the store; a value is the same object until it changes itself, so that memoised rows render only when they
 * must. Options may be inline.
 */
export function useDKV<T = unknown>(options: StoreOptions<T>): UseDKV<T> {
  const access = useStoreAccess(options);
  const view = useMemo(() => createView(access), [access]);
  const result = useSyncExternalStore(view.subscribe, view.read, view.readOnServer);
  useThrownError(options.throwErrors, result.status === "closed" ? result.error : undefined);
  return result;
}

function createView<T>(access: StoreAccess<T>) {
  const { initial, read: readValues, subscribe } = createValuesView(access);
  const { set, delete: remove, update } = access;
  const show = (state: StoreState<T>, values: Values<T>): UseDKV<T> => {
    return { ...state, values, set, delete: remove, update };
  };
  const onServer = show(LOADING, initial);
  let last = onServer;
  let lastState: StoreState<T> = LOADING;
  const read = (): UseDKV<T> => {
    const { state } = access;
    const values = readValues();
    if (lastState !== state || last.values !== values) {
      lastState = state;
      last = show(state, values);
    }
    return last;
  };
  return { read, readOnServer: () => onServer, subscribe };
}
