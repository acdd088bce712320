import { useDKVKey } from "@conat/frontend-hooks";
import { memo, type ReactElement, useEffect } from "react";
import { readingStore } from "../model/stores.ts";
import type { TableCounts } from "./table-counts.ts";

export interface TableRowProps {
  readonly projectId: string;
  readonly rowKey: string;
  readonly index: number;
  readonly counts: TableCounts;
}

/** Subscribed to its own key: a change of any other row is none of its business. */
export const TableRow = memo(Row);

function Row({ projectId, rowKey, index, counts }: TableRowProps): ReactElement {
  const [reading] = useDKVKey(readingStore(projectId), rowKey);
  useEffect(() => {
    counts.rowRenders += 1;
  });
  const value = reading?.value ?? 0;
  return (
    <tr aria-rowindex={index + 2} data-row={rowKey}>
      <th scope="row">{rowKey}</th>
      <td>{reading?.sensor}</td>
      <td className="reading">
        <span
          className="meter"
          style={{ clipPath: `inset(0 ${100 - value}% 0 0 round 4px)` }}
          aria-hidden="true"
        />
        <span>{value.toFixed(1)}</span>
      </td>
      <td>{reading?.count}</td>
    </tr>
  );
}
