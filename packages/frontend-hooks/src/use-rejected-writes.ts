import type { RejectedWrite } from "@conat/conat/actions";
import { useMemo, useSyncExternalStore } from "react";
import { type ConatRoot, useConatContext } from "./conat-root.ts";
import { NONE, type SharedStore } from "./shared-store.ts";
import { StoreAccess, type StoreOptions, slotOf } from "./store-access.ts";

/**
 * Writes that were refused, or of which nobody can say whether they were stored, each with `retry()` and `discard()`:
 * of one store, or without options of every store that is open below the provider. A store with such writes stays
 * open while a component shows them. The same array until something of it changes.
 */
export function useRejectedWrites<T = unknown>(
  options?: StoreOptions<T>,
): readonly RejectedWrite<T>[] {
  const { root, snapshots } = useConatContext();
  const slot = options && slotOf(options);
  // biome-ignore lint/correctness/useExhaustiveDependencies: options of another content have another slot
  const view = useMemo(
    () =>
      options
        ? oneStore(new StoreAccess({ root, snapshots }, slotOf(options), options))
        : everyStore(root),
    [root, snapshots, slot],
  );
  return useSyncExternalStore(view.subscribe, view.read, () => NONE) as readonly RejectedWrite<T>[];
}

interface View {
  read(): readonly RejectedWrite[];
  subscribe(onChange: () => void): () => void;
}

function oneStore<T>(access: StoreAccess<T>): View {
  return {
    read: () => access.rejected as readonly RejectedWrite[],
    subscribe: (onChange) => access.subscribe(() => () => {}, onChange),
  };
}

function everyStore({ stores }: ConatRoot): View {
  let last = NONE;
  const read = (): readonly RejectedWrite[] => {
    const all = [...stores.entries()].flatMap(([, store]) => store.rejected);
    if (all.length !== last.length || all.some((write, at) => write !== last[at])) last = all;
    return last;
  };
  const subscribe = (onChange: () => void): (() => void) => {
    /** What lets go of the stores that have rejected writes. */
    const kept = new Map<SharedStore, () => void>();
    const look = (): void => {
      for (const [slot, store] of stores.entries()) {
        const release = kept.get(store);
        if (store.rejected.length === 0) {
          kept.delete(store);
          release?.();
        } else if (release === undefined) {
          kept.set(store, stores.acquire(slot, () => store).release);
        }
      }
      onChange();
    };
    const stop = stores.changed.add(look);
    look();
    return () => {
      stop();
      for (const release of kept.values()) release();
    };
  };
  return { read, subscribe };
}
