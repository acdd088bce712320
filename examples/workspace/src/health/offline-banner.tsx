import { useConnectionStatus } from "@conat/frontend-hooks";
import { type ReactElement, useEffect, useState } from "react";
import { useWrites } from "./use-watched.ts";

/** A short gap is nobody's business, in milliseconds. */
const SHOW_AFTER_MS = 1_000;

export function OfflineBanner(): ReactElement | null {
  const { state, error } = useConnectionStatus();
  const { pending } = useWrites();
  const isReady = state === "ready";
  const [isLate, setLate] = useState(false);
  useEffect(() => {
    if (isReady) return;
    const timer = setTimeout(() => setLate(true), SHOW_AFTER_MS);
    return () => {
      clearTimeout(timer);
      setLate(false);
    };
  }, [isReady]);
  if (isReady || !isLate) return null;
  if (state === "refused" || state === "closed") {
    return (
      <p className="banner bad" role="alert">
        The hub does not let this page in: {error?.message ?? "the connection was closed"}.
      </p>
    );
  }
  return (
    <p className="banner" role="alert">
      <b>You are offline.</b> Keep going: {describePending(pending)} sent when the hub is back.
    </p>
  );
}

function describePending(pending: number): string {
  if (pending === 0) return "what you change is kept here and";
  return pending === 1 ? "1 change is kept here and" : `${pending} changes are kept here and`;
}
