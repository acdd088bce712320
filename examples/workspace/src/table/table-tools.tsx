import type { DKV } from "@conat/conat";
import { type ReactElement, useEffect, useState } from "react";
import type { Reading } from "../model/stores.ts";
import { changeSome, fill, ROWS } from "./readings.ts";

/** 10 changes in this time make 200 a second, in milliseconds. */
const FEED_MS = 50;
const CHANGES_PER_FEED = 10;

/** Makes something to look at. */
export function TableTools({ store }: { readonly store: DKV<Reading> | undefined }): ReactElement {
  const [isFilling, setFilling] = useState(false);
  const [isFeeding, setFeeding] = useState(false);
  const [problem, setProblem] = useState<string>();
  useEffect(() => {
    if (!isFeeding || store === undefined) return;
    const timer = setInterval(() => {
      try {
        changeSome(store, CHANGES_PER_FEED);
      } catch (error) {
        setFeeding(false);
        setProblem(error instanceof Error ? error.message : String(error));
      }
    }, FEED_MS);
    return () => clearInterval(timer);
  }, [isFeeding, store]);
  const onFill = async (): Promise<void> => {
    if (store === undefined) return;
    setFilling(true);
    setProblem(undefined);
    try {
      await fill(store);
    } catch (error) {
      setProblem(error instanceof Error ? error.message : String(error));
    }
    setFilling(false);
  };
  return (
    <div className="table-tools">
      <h2>Readings</h2>
      {problem !== undefined && <p className="problem">{problem}</p>}
      <button type="button" disabled={!store || isFilling} onClick={() => void onFill()}>
        {isFilling ? "Filling…" : `Fill with ${ROWS.toLocaleString("en")} rows`}
      </button>
      <button
        type="button"
        className={isFeeding ? "" : "primary"}
        aria-pressed={isFeeding}
        disabled={!store}
        onClick={() => setFeeding(!isFeeding)}
      >
        {isFeeding ? "Stop the changes" : "200 changes a second"}
      </button>
    </div>
  );
}
