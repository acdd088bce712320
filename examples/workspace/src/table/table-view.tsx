import type { DKV } from "@conat/conat";
import { useDKVState } from "@conat/frontend-hooks";
import { type ReactElement, useEffect, useRef, useState, useSyncExternalStore } from "react";
import { useWatched } from "../health/use-watched.ts";
import { type Reading, readingStore } from "../model/stores.ts";
import { RowKeys } from "./row-keys.ts";
import { createTableCounts } from "./table-counts.ts";
import { TableFoot } from "./table-foot.tsx";
import { TableRow } from "./table-row.tsx";
import { TableTools } from "./table-tools.tsx";
import { ROW_HEIGHT, useWindow } from "./use-window.ts";

/** A store of many thousand keys: only what is in view is rendered, and of that only the rows that change. */
export function TableView({ projectId }: { readonly projectId: string }): ReactElement {
  const { store, status } = useDKVState<Reading>(readingStore(projectId));
  const [counts] = useState(createTableCounts);
  const [rowKeys] = useState(() => new RowKeys());
  useWatched(store as DKV | undefined, { label: "Table" });
  useEffect(() => rowKeys.follow(store as DKV | undefined), [rowKeys, store]);
  useEffect(
    () =>
      store?.on("change", () => {
        counts.changes += 1;
      }),
    [counts, store],
  );
  const keys = useSyncExternalStore(rowKeys.subscribe, rowKeys.keys);
  const scroller = useRef<HTMLElement>(null);
  const { start, end, onScroll } = useWindow(scroller, keys.length);
  const rows = keys.slice(start, end);
  return (
    <div className="table-view" data-anchor="table">
      <TableTools store={store} />
      <section
        ref={scroller}
        className="scroller"
        aria-label="Readings"
        onScroll={onScroll}
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached with the keyboard
        tabIndex={0}
      >
        <table aria-rowcount={keys.length + 1}>
          <thead>
            <tr aria-rowindex={1}>
              <th scope="col">Key</th>
              <th scope="col">Sensor</th>
              <th scope="col">Reading</th>
              <th scope="col">Written</th>
            </tr>
          </thead>
          <tbody>
            <Spacer rows={start} />
            {rows.map((key, offset) => (
              <TableRow
                key={key}
                projectId={projectId}
                rowKey={key}
                index={start + offset}
                counts={counts}
              />
            ))}
            <Spacer rows={keys.length - end} />
          </tbody>
        </table>
        {keys.length === 0 && (
          <p className="empty">{status === "loading" ? "Loading…" : "The store is empty."}</p>
        )}
      </section>
      <TableFoot rows={keys.length} rendered={rows.length} counts={counts} />
    </div>
  );
}

/** Takes the place of rows that are not rendered. */
function Spacer({ rows }: { readonly rows: number }): ReactElement | null {
  if (rows <= 0) return null;
  return <tr className="spacer" style={{ height: rows * ROW_HEIGHT }} />;
}
