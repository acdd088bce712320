/** What the table has cost so far; shown below it. */
export interface TableCounts {
  /** Confirmed changes that arrived. */
  changes: number;
  /** Rows that React has rendered. */
  rowRenders: number;
}

export function createTableCounts(): TableCounts {
  return { changes: 0, rowRenders: 0 };
}
