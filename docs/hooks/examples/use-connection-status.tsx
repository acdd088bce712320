import { useConat, useConnectionStatus } from "@conat/frontend-hooks";
import type { ReactElement } from "react";

export function OfflineBanner(): ReactElement | null {
  const { state, error, attempt } = useConnectionStatus();
  const client = useConat();
  if (state === "ready") return null;
  if (state === "refused") return <p role="alert">Not let in: {error?.message}</p>;
  return (
    <p>
      Connecting to {client?.address ?? "the hub"}, attempt {attempt}. Changes are kept meanwhile.
    </p>
  );
}
