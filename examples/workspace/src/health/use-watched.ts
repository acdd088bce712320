import { createContext, useContext, useEffect, useRef, useSyncExternalStore } from "react";
import { useRejected } from "./use-rejected.ts";
import { type AnyStore, type Watch, WatchedStores, type WritesView } from "./watched-stores.ts";

export const WatchedStoresContext = createContext(new WatchedStores());

/** Watches a store for as long as the component is there. */
export function useWatched(store: AnyStore | undefined, watch: Watch): void {
  const stores = useContext(WatchedStoresContext);
  const latest = useRef(watch);
  useEffect(() => {
    if (store !== undefined) return stores.add(store, latest.current);
  }, [stores, store]);
}

export function useWrites(): WritesView {
  const stores = useContext(WatchedStoresContext);
  return useSyncExternalStore(stores.subscribe, stores.writes);
}

/** Has the browser ask before it leaves the page with changes that are not stored. */
export function useLeaveWarning(): void {
  const { pending } = useWrites();
  const isUnsaved = useRejected().length > 0 || pending > 0;
  useEffect(() => {
    if (!isUnsaved) return;
    const warn = (event: BeforeUnloadEvent): void => event.preventDefault();
    addEventListener("beforeunload", warn);
    return () => removeEventListener("beforeunload", warn);
  }, [isUnsaved]);
}
