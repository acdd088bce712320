import type { AnyValue } from "@conat/conat";
import { useMemo, useSyncExternalStore } from "react";
import type { StoreState } from "./shared-store.ts";
import {
  type StoreAccess,
  type StoreOptions,
  useStoreAccess,
  useThrownError,
} from "./store-access.ts";

export interface UseDKV<T>
  extends StoreState<T>,
    Pick<StoreAccess<T>, "set" | "delete" | "update"> {
  /** Every value by key, local changes included; empty until the store is open. The same Map until one changes. */
  readonly values: ReadonlyMap<string, AnyValue<T>>;
}

/**
 * A whole store: renders again whenever anything in it changes. A value is the same object until it changes itself, so
 * that memoised rows render only when they must. Options may be inline.
 */
export function useDKV<T = unknown>(options: StoreOptions<T>): UseDKV<T> {
  const access = useStoreAccess(options);
  const view = useMemo(() => createView(access), [access]);
  const result = useSyncExternalStore(view.subscribe, view.read, view.readOnServer);
  useThrownError(options.throwErrors, result.status === "closed" ? result.error : undefined);
  return result;
}

function createView<T>(access: StoreAccess<T>) {
  const none: UseDKV<T>["values"] = new Map();
  let last: UseDKV<T> | undefined;
  let lastState: StoreState<T> | undefined;
  const read = (): UseDKV<T> => {
    const { state } = access;
    const values = state.store?.snapshot() ?? none;
    if (last === undefined || lastState !== state || last.values !== values) {
      const { set, delete: remove, update } = access;
      lastState = state;
      last = { ...state, values, set, delete: remove, update };
    }
    return last;
  };
  const empty = read();
  return {
    read,
    readOnServer: () => empty,
    subscribe: (onChange: () => void) =>
      access.subscribe((store) => store.subscribe(onChange), onChange),
  };
}
