import type { Durability } from "@conat/conat";
import { useMemo, useSyncExternalStore } from "react";
import { contentKey } from "./content-key.ts";
import { type StoreAccess, type StoreOptions, useStoreAccess } from "./store-access.ts";
import { useDKVState } from "./use-dkv-state.ts";

export interface UseSaved {
  /**
   * `saved`: every write is acknowledged; `durability` says what that is worth. `saving`: some are on their way.
   * `unsaved`: some wait for the store to open, for the connection or for `save()`, or have failed.
   */
  readonly state: "unsaved" | "saving" | "saved";
  /** What an acknowledged write is safe from: `memory` is lost with the server; `unknown` until the store is open. */
  readonly durability: Durability;
  /** How many writes are not acknowledged. */
  readonly pending: number;
  /** How many have failed and were neither retried nor discarded; see `useRejectedWrites`. */
  readonly failed: number;
}

/** Whether what was written to a store, by anybody in this page, is stored. */
export function useSaved<T = unknown>(options: StoreOptions<T>): UseSaved {
  useDKVState(options);
  const access = useStoreAccess(options);
  const held = options.noAutosave === true;
  const view = useMemo(() => createView(access, held), [access, held]);
  return useSyncExternalStore(view.subscribe, view.read, () => NOTHING_WRITTEN);
}

const NOTHING_WRITTEN: UseSaved = { state: "saved", durability: "unknown", pending: 0, failed: 0 };

/** @param held the store sends nothing by itself */
function createView<T>(access: StoreAccess<T>, held: boolean) {
  let last = NOTHING_WRITTEN;
  const read = (): UseSaved => {
    const { store, status } = access.state;
    const pending = access.waiting + (store?.pendingWrites ?? 0);
    const failed = store?.failedWrites ?? 0;
    const durability = store?.durability ?? "unknown";
    const leaving = pending > 0 && status === "live" && !held;
    const state = leaving ? "saving" : pending + failed > 0 ? "unsaved" : "saved";
    const now: UseSaved = { state, durability, pending, failed };
    if (contentKey(now) !== contentKey(last)) last = now;
    return last;
  };
  const subscribe = (onChange: () => void): (() => void) =>
    access.subscribe((store) => store.on("writes", onChange), onChange);
  return { read, subscribe };
}
