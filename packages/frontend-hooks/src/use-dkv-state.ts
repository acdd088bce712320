import { LOADING, type StoreState } from "@conat/conat/actions";
import { useCallback, useSyncExternalStore } from "react";

import { type StoreOptions, useStoreAccess, useThrownError } from "./store-access.ts";

/** The state of a store and the store itself. Renders again when the state changes, never for the content. */
export function useDKVState<T = unknown>(options: StoreOptions<T>): StoreState<T> {
  const access = useStoreAccess(options);
  const subscribe = useCallback(
    (onChange: () => void) => access.subscribe(() => () => {}, onChange),
    [access],
  );
  const state = useSyncExternalStore(
    subscribe,
    () => access.state,
    (): StoreState<T> => LOADING,
  );
  useThrownError(options.throwErrors, state.status === "closed" ? state.error : undefined);
  return state;
}
