import type { ConatError } from "../protocol/conat-error.ts";
import { decodeValue } from "../protocol/value-codec.ts";
import type { DkvRunner } from "./dkv-runner.ts";
import type { LocalWrite } from "./local-write.ts";

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
  writeAgain: (write: LocalWrite) => void,
): WriteInfo<T>[] {
  const { ledger, state } = runner;
  const info = (
    write: LocalWrite,
    stage: WriteInfo<T>["state"],
    error: ConatError | undefined,
  ): WriteInfo<T> => ({
    id: write.id,
    key: write.key,
    get value() {
      return write.value && (decodeValue(write.value) as T);
    },
    state: stage,
    ageMs: Date.now() - write.at,
    error,
    retry: () => {
      if (!ledger.hasFailed(write.id)) return false;
      writeAgain(write);
      runner.forget(write.id);
      return true;
    },
    discard: () => runner.forget(write.id) !== undefined || runner.discard(write.id),
  });
  return [
    ...Array.from(ledger.open(), (write) =>
      info(write, state.stageOf(write.key, write.id) ?? "pending", undefined),
    ),
    ...Array.from(ledger.failed(), ({ write, status, error }) => info(write, status, error)),
  ];
}
