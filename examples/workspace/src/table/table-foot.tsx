import { type ReactElement, useEffect, useState } from "react";
import type { TableCounts } from "./table-counts.ts";

export interface TableFootProps {
  readonly rows: number;
  readonly rendered: number;
  readonly counts: TableCounts;
}

const REFRESH_MS = 250;

/** What the table shows, and what that has cost. */
export function TableFoot({ rows, rendered, counts }: TableFootProps): ReactElement {
  const [shown, setShown] = useState(() => ({ ...counts }));
  useEffect(() => {
    const timer = setInterval(() => setShown({ ...counts }), REFRESH_MS);
    return () => clearInterval(timer);
  }, [counts]);
  return (
    <p className="table-foot">
      <Count value={rows} of="rows" />
      <Count value={rendered} of="of them rendered" />
      <Count value={shown.changes} of="changes seen" />
      <Count value={shown.rowRenders} of="row renders" />
    </p>
  );
}

interface CountProps {
  readonly value: number;
  readonly of: string;
}

function Count({ value, of }: CountProps): ReactElement {
  return (
    <span data-count={of} data-value={value}>
      <b>{value.toLocaleString("en")}</b> {of}
    </span>
  );
}
