import type { StoreState } from "@conat/conat/actions";
import { useMemo, useSyncExternalStore } from "react";

import { type StoreAccess, type StoreOptions, useStoreAccess } from "./store-access.ts";
import { useDKVState } from "./use-dkv-state.ts";
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
  const state = useDKVState(options);
  const access = useStoreAccess(options);
  const { initial, read, subscribe } = useMemo(() => createValuesView(access), [access]);
  const values = useSyncExternalStore(subscribe, read, () => initial);
  return useMemo(() => {
    const { set, delete: remove, update } = access;
    return { ...state, values, set, delete: remove, update };
  }, [access, state, values]);
}
