import type { Client } from "@conat/conat";
import { useCallback, useSyncExternalStore } from "react";
import { useConatContext } from "./conat-root.ts";

/**
 * The provider's client, for what the hooks do not cover. `undefined` in the first render below a provider that makes
 * its own, because rendering opens no connection, and when its address is unusable.
 */
export function useConat(): Client | undefined {
  const { root } = useConatContext();
  const subscribe = useCallback(() => root.holdClient().release, [root]);
  return useSyncExternalStore(
    subscribe,
    () => root.client,
    () => undefined,
  );
}
