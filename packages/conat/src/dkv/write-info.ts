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
  /** Writes the value again, over whatever is there now. False when the write has not failed. */
  retry(): boolean;
  /** Takes the write back, or a failed one off the list. False when it had ended already. */
  discard(): boolean;
}

/** Every write of a store that has not ended, then the last that failed. */
export function listWrites<T>(runner: DkvRunner): WriteInfo<T>[] {
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
    retry: () => retry(runner, item.id),
    discard: () => runner.forget(item.id) !== undefined || runner.discard(item.id),
  });
  return [
    ...Array.from(ledger.open(), (item) =>
      info(item, state.stageOf(item.key, item.id) ?? "pending", undefined),
    ),
    ...Array.from(ledger.failed(), ({ item, status, error }) => info(item, status, error)),
  ];
}

function retry(runner: DkvRunner, id: number): boolean {
  const failed = runner.forget(id);
  if (failed === undefined) return false;
  const { key, value, ttlMs, untilDisconnect } = failed.item;
  const request = { key, value, ttlMs, headers: undefined, ifSeq: undefined, quiet: false };
  runner.write({ ...request, untilDisconnect });
  return true;
}
