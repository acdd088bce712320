import type { ConatError } from "../protocol/conat-error.ts";
import { decodeValue } from "../protocol/value-codec.ts";
import type { DkvRunner } from "./dkv-runner.ts";
import type { LedgerItem } from "./write-ledger.ts";

/** One write that has not ended, or has failed. */
export interface WriteInfo<T> {
  readonly id: number;
  readonly key: string;
  /** What is to be stored; `undefined` when it is a delete. */
  readonly value: T | undefined;
  readonly state: "pending" | "in-flight" | "rejected" | "outcome-unknown";
  /** How long ago it was made, in milliseconds. */
  readonly ageMs: number;
  /** Why it failed. */
  readonly error: ConatError | undefined;
  /**
   * Writes the value again, over whatever is there now. False when the write has not failed.
   * @throws ConatError `closed`, `outbox-full`; the write then stays on the list
   */
  retry(): boolean;
  /** Takes the write back, or a failed one off the list. False when it had ended already. */
  discard(): boolean;
}

/**
 * Every write of a store that has not ended, then the last that failed.
 * @param writeAgain makes a write of the same kind, or throws why it cannot be made now
 */
export function listWrites<T>(
  runner: DkvRunner,
  writeAgain: (item: LedgerItem) => void,
): WriteInfo<T>[] {
  const { ledger, state } = runner;
  const info = (
    item: LedgerItem,
    stage: WriteInfo<T>["state"],
    error: ConatError | undefined,
  ): WriteInfo<T> => ({
    id: item.id,
    key: item.key,
    get value() {
      return item.value && (decodeValue(item.value) as T);
    },
    state: stage,
    ageMs: Date.now() - item.at,
    error,
    retry: () => {
      if (!ledger.hasFailed(item.id)) return false;
      writeAgain(item);
      runner.forget(item.id);
      return true;
    },
    discard: () => runner.forget(item.id) !== undefined || runner.discard(item.id),
  });
  return [
    ...Array.from(ledger.open(), (item) =>
      info(item, state.stageOf(item.key, item.id) ?? "pending", undefined),
    ),
    ...Array.from(ledger.failed(), ({ item, status, error }) => info(item, status, error)),
  ];
}
