import { onPageEvent } from "../util/page-events.ts";

/** A store, as far as its unsaved changes are concerned: a {@link DKV} of any values. */
export interface UnsavedStore {
  hasUnsavedChanges(): boolean;
  on(event: "writes" | "closed", listener: () => void): () => void;
}

/**
 * Has the browser ask before the page is left while one of the stores has changes that are not stored yet. Listens to
 * the page only as long as there are some: a page that listens all the time may not be kept for going back to.
 * Returns the function that stops it. Outside of a page it does nothing.
 */
export function warnBeforeUnload(...stores: readonly UnsavedStore[]): () => void {
  let stopAsking: (() => void) | undefined;
  const update = (): void => {
    const isUnsaved = stores.some((store) => store.hasUnsavedChanges());
    if (isUnsaved) stopAsking ??= onPageEvent("beforeunload", (event) => event.preventDefault());
    else stop();
  };
  const stop = (): void => {
    stopAsking?.();
    stopAsking = undefined;
  };
  const watching = stores.flatMap((store) => [
    store.on("writes", update),
    store.on("closed", update),
  ]);
  update();
  return () => {
    for (const stopWatching of watching) stopWatching();
    stop();
  };
}
