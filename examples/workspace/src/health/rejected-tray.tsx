import type { RejectedWrite } from "@conat/frontend-hooks";
import { type ReactElement, useState } from "react";
import { describeWrite } from "./describe-write.ts";
import { useRejected } from "./use-rejected.ts";

/** Changes that were not stored, until somebody decides what becomes of each. */
export function RejectedTray(): ReactElement | null {
  const rejected = useRejected();
  if (rejected.length === 0) return null;
  return (
    <section className="tray" aria-label="Rejected changes" aria-live="polite">
      <header>
        <h2>
          {rejected.length === 1 ? "A change was" : `${rejected.length} changes were`} not stored
        </h2>
        {rejected.length > 1 && (
          <button
            type="button"
            className="quiet"
            onClick={() => {
              for (const write of rejected) write.discard();
            }}
          >
            Discard all
          </button>
        )}
      </header>
      <ul>
        {rejected.map((write) => (
          <Rejected key={`${write.options.name} ${write.id}`} write={write} />
        ))}
      </ul>
    </section>
  );
}

function Rejected({ write }: { readonly write: RejectedWrite }): ReactElement {
  const [problem, setProblem] = useState(write.error?.message);
  const what = describeWrite(write);
  const retry = (): void => {
    try {
      write.retry();
    } catch (error) {
      setProblem(error instanceof Error ? error.message : String(error));
    }
  };
  return (
    <li>
      <p>
        <b>{what}</b>
        {write.state === "outcome-unknown" && " (it may be stored all the same)"}
      </p>
      <p className="reason">{problem}</p>
      <div className="buttons">
        <button type="button" onClick={retry} aria-label={`Try again: ${what}`}>
          Try again
        </button>
        <button
          type="button"
          className="quiet"
          onClick={() => write.discard()}
          aria-label={`Discard: ${what}`}
        >
          Discard
        </button>
      </div>
    </li>
  );
}
