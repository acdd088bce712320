import { useMemo, useSyncExternalStore } from "react";
import { type ConatRoot, useConatContext } from "./conat-root.ts";
import type { Lease } from "./leases.ts";
import type { RejectedWrite, SharedStore } from "./shared-store.ts";
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
      options && slot !== undefined
        ? oneStore(new StoreAccess({ root, snapshots }, slot, options))
        : everyStore(root),
    [root, snapshots, slot],
  );
  return useSyncExternalStore(view.subscribe, view.read, () => NONE) as readonly RejectedWrite<T>[];
}

const NONE: readonly RejectedWrite[] = [];

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
    const same = all.length === last.length && all.every((write, at) => write === last[at]);
    if (!same) last = all;
    return last;
  };

  const subscribe = (onChange: () => void): (() => void) => {
    const followed = new Map<SharedStore, () => void>();
    const follow = (slot: string, store: SharedStore): (() => void) => {
      let kept: Lease<SharedStore> | undefined;
      const update = (): void => {
        if (store.rejected.length > 0) {
          kept ??= stores.acquire(slot, () => store);
        } else {
          kept?.release();
          kept = undefined;
        }
        onChange();
      };
      const stop = store.subscribe(update);
      update();
      return () => {
        stop();
        kept?.release();
      };
    };
    const look = (): void => {
      const open = new Map(stores.entries());
      for (const [store, unfollow] of followed) {
        if ([...open.values()].includes(store)) continue;
        followed.delete(store);
        unfollow();
      }
      for (const [slot, store] of open) {
        if (!followed.has(store)) followed.set(store, follow(slot, store));
      }
      onChange();
    };
    const stop = stores.subscribe(look);
    look();
    return () => {
      stop();
      for (const unfollow of followed.values()) unfollow();
    };
  };

  return { read, subscribe };
}
