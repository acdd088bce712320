import type { ConatError } from "@conat/conat";
import type { ReactElement } from "react";

export interface NoAccessProps {
  readonly title: string;
  readonly error: ConatError;
  readonly onRetry: () => void;
}

/** Stands where a project was that the account may not see, or not any more. */
export function NoAccess({ title, error, onRetry }: NoAccessProps): ReactElement {
  const isDenied = error.kind === "revoked" || error.kind === "forbidden";
  return (
    <main className="no-access" role="alert">
      <svg className="no-access-mark" viewBox="0 0 24 24" aria-hidden="true">
        <rect x="5" y="11" width="14" height="9" rx="2.5" />
        <path d="M8 11V8a4 4 0 0 1 8 0v3" />
      </svg>
      <h2>
        {error.kind === "revoked"
          ? `Your access to ${title} has been taken back`
          : isDenied
            ? `You are not let into ${title}`
            : `${title} cannot be shown`}
      </h2>
      <p>{error.message}</p>
      <button type="button" onClick={onRetry}>
        Ask again
      </button>
    </main>
  );
}
