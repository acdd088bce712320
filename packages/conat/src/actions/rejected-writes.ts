import type { DKV } from "../dkv/dkv.ts";
import type { DkvOptions } from "../dkv/dkv-options.ts";
import type { WriteInfo } from "../dkv/write-info.ts";

/** A write that was refused, or of which nobody can say whether it was stored. */
export interface RejectedWrite<T = unknown> extends Omit<WriteInfo<T>, "state"> {
  readonly state: "rejected" | "outcome-unknown";
  /** The options of the store that it was written to. */
  readonly options: DkvOptions<T>;
  /**
   * Writes the value again, over whatever is there now. False when it is off the list already.
   * @throws ConatError why the store has ended
   */
  retry(): boolean;
}

/**
 * The writes of a store that failed and were neither retried nor discarded: `before` itself when they are the same.
 * @param again does what retries a write, or throws why it cannot
 */
export function listRejected<T>(
  store: DKV<T>,
  options: DkvOptions<T>,
  before: readonly RejectedWrite<T>[],
  again: (retry: () => void) => void,
): readonly RejectedWrite<T>[] {
  if (store.failedWrites === 0 && before.length === 0) return before;
  const failed = (store.writes() as WriteInfo<T>[]).filter(isRejected);
  const isSame = failed.length === before.length;
  if (isSame && failed.every(({ id }, at) => id === before[at]?.id)) return before;
  return failed.map((write) => ({
    ...write,
    options,
    retry: () => {
      let isListed = false;
      again(() => {
        isListed = write.retry();
      });
      return isListed;
    },
  }));
}

function isRejected<T>(
  write: WriteInfo<T>,
): write is WriteInfo<T> & Pick<RejectedWrite<T>, "state"> {
  return write.state === "rejected" || write.state === "outcome-unknown";
}
