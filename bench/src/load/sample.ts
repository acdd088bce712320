/** What one round of a load brought. */
export interface Sample {
  readonly operations: number;
  readonly seconds: number;
  /** One time per operation, where the load waits for each. */
  readonly latenciesMs?: readonly number[];
  /** What else a load measures, by name. */
  readonly values?: Readonly<Record<string, number>>;
}

/** A load that is ready to run: everything is connected and open. */
export interface Load {
  /** @param scale part of the full number of operations, at most 1 */
  measure(scale: number): Promise<Sample>;
  close(): Promise<void>;
}

/** A share of a number of operations, at least one. */
export function scaled(operations: number, scale: number): number {
  return Math.max(1, Math.round(operations * scale));
}
