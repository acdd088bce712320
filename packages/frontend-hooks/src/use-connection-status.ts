import type { SessionStatus } from "@conat/conat";
import { useCallback, useSyncExternalStore } from "react";
import { useConatContext } from "./conat-root.ts";

const NOT_YET: SessionStatus = Object.freeze({ state: "connecting", error: undefined, attempt: 0 });

/** State of the provider's connection; with the reason when it is not `ready`. */
export function useConnectionStatus(): SessionStatus {
  const { root } = useConatContext();
  const subscribe = useCallback(
    (onChange: () => void) => {
      const { resource, release } = root.holdClient();
      const stop = resource.client?.onStatus(onChange);
      return () => {
        stop?.();
        release();
      };
    },
    [root],
  );
  const read = (): SessionStatus => (root.client ?? root.shared)?.status ?? NOT_YET;
  return useSyncExternalStore(subscribe, read, () => NOT_YET);
}
