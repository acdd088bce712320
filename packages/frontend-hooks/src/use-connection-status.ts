import type { SessionStatus } from "@conat/conat";
import { useCallback, useSyncExternalStore } from "react";
import { useConatContext } from "./conat-root.ts";
import { useThrownError } from "./store-access.ts";

const NOT_YET: SessionStatus = { state: "connecting", error: undefined, attempt: 0 };

export interface ConnectionStatusOptions {
  /** Throw to the error boundary why the hub does not let this client in. @default false, whatever the provider's */
  readonly throwErrors?: boolean | undefined;
}

/** State of the provider's connection; with the reason when it is not `ready`. */
export function useConnectionStatus({
  throwErrors = false,
}: ConnectionStatusOptions = {}): SessionStatus {
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
  const status = useSyncExternalStore(subscribe, read, () => NOT_YET);
  useThrownError(throwErrors, status.state === "refused" ? status.error : undefined);
  return status;
}
