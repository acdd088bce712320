import { useRejectedWrites } from "@conat/frontend-hooks";
import type { ReactElement } from "react";

export function RejectedChanges(): ReactElement | null {
  const rejected = useRejectedWrites();
  if (rejected.length === 0) return null;
  return (
    <section aria-label="Changes that were not stored">
      {rejected.map(({ options, id, key, error, retry, discard }) => (
        <p key={`${options.name} ${id}`}>
          {options.name}/{key}: {error?.message}
          <button type="button" onClick={() => retry()}>
            Try again
          </button>
          <button type="button" onClick={() => discard()}>
            Let go
          </button>
        </p>
      ))}
    </section>
  );
}
