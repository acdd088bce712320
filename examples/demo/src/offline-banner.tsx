import { useConnectionStatus } from "@conat/frontend-hooks";
import { type ReactElement, useEffect, useState } from "react";

/** A short gap is nobody's business, in milliseconds. */
const SHOW_AFTER_MS = 1_000;

export function OfflineBanner(): ReactElement | null {
  const { state, error } = useConnectionStatus();
  const ready = state === "ready";
  const [late, setLate] = useState(false);
  useEffect(() => {
    if (ready) return;
    const timer = setTimeout(() => setLate(true), SHOW_AFTER_MS);
    return () => {
      clearTimeout(timer);
      setLate(false);
    };
  }, [ready]);
  if (ready || !late) return null;
  if (state === "refused" || state === "closed") {
    return (
      <p className="banner bad" role="alert">
        The hub does not let this page in: {error?.message ?? "the connection was closed"}.
      </p>
    );
  }
  return (
    <p className="banner" role="alert">
      The hub is out of reach. Keep going: what you change is kept here and sent when it is back.
    </p>
  );
}
