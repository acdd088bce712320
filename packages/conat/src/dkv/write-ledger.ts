import type { ConatError } from "../protocol/conat-error.ts";
import { DrainWaiters } from "./drain-waiters.ts";
import type { LocalWrite, WriteOutcome } from "./local-write.ts";

/** Ended writes that are kept for the application to look at, to retry or to dismiss; the oldest go first. */
const MAX_FAILED = 100;

export interface FailedWrite {
  readonly write: LocalWrite;
  readonly status: "rejected" | "outcome-unknown";
  readonly error: ConatError;
}

/** Which of the caller's writes have not ended, which have failed, and who waits for what. Bounded by the outbox. */
export class WriteLedger {
  readonly #open = new Map<number, LocalWrite>();
  readonly #failed = new Map<number, FailedWrite>();
  readonly #outcomes = new Map<number, ((outcome: WriteOutcome) => void)[]>();
  readonly #waiters = new DrainWaiters();
  #bytes = 0;
  #newest = 0;

  get size(): number {
    return this.#open.size;
  }

  /** Bytes of keys and values that are not yet acknowledged. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Number of the newest write; 0 before the first. */
  get newest(): number {
    return this.#newest;
  }

  /** How many failed writes are kept. */
  get failures(): number {
    return this.#failed.size;
  }

  open(): IterableIterator<LocalWrite> {
    return this.#open.values();
  }

  failed(): IterableIterator<FailedWrite> {
    return this.#failed.values();
  }

  add(write: LocalWrite): void {
    this.#open.set(write.id, write);
    this.#newest = write.id;
    this.#bytes += sizeOf(write);
  }

  /** Notes how a write ended. Returns it with the failure, if it failed; `undefined` when it had ended before. */
  settle(id: number, outcome: WriteOutcome, remember: boolean): LocalWrite | undefined {
    const write = this.#open.get(id);
    if (write === undefined) return undefined;
    write.outcome = outcome;
    this.#open.delete(id);
    this.#bytes -= sizeOf(write);
    if (outcome.status === "rejected" || outcome.status === "outcome-unknown") {
      const { status, error } = outcome;
      if (remember) {
        this.#remember({ write, status, error });
        this.#waiters.failed(id, error);
      }
    }
    if (this.#outcomes.size > 0) this.#tellOutcome(id, outcome);
    this.#waiters.ended(id);
    return write;
  }

  #tellOutcome(id: number, outcome: WriteOutcome): void {
    for (const resolve of this.#outcomes.get(id) ?? []) resolve(outcome);
    this.#outcomes.delete(id);
  }

  #remember(failed: FailedWrite): void {
    this.#failed.set(failed.write.id, failed);
    const oldest = this.#failed.keys().next();
    if (this.#failed.size > MAX_FAILED && !oldest.done) this.#failed.delete(oldest.value);
  }

  hasFailed(id: number): boolean {
    return this.#failed.has(id);
  }

  /** Takes a failed write off the list. */
  forget(id: number): FailedWrite | undefined {
    const failed = this.#failed.get(id);
    this.#failed.delete(id);
    return failed;
  }

  /** Resolves with how a write ends. */
  outcomeOf(write: LocalWrite): Promise<WriteOutcome> {
    if (write.outcome) return Promise.resolve(write.outcome);
    return new Promise((resolve) => {
      const resolvers = this.#outcomes.get(write.id) ?? [];
      this.#outcomes.set(write.id, [...resolvers, resolve]);
    });
  }

  /** A write that has not ended. */
  get(id: number): LocalWrite | undefined {
    return this.#open.get(id);
  }

  /**
   * Resolves when every write made so far has ended; rejects with the first failure among them, or with `timeout`.
   * A deadline ends the wait, not the writes.
   */
  drained(timeoutMs: number): Promise<void> {
    if (this.#open.size === 0) return Promise.resolve();
    return this.#waiters.wait(this.#newest, this.#open.size, timeoutMs);
  }

  /** Every write has ended, and there will be no other. */
  close(): void {
    this.#waiters.close();
  }
}

/** What a write counts in the outbox, in bytes. */
export function sizeOf({ key, value }: Pick<LocalWrite, "key" | "value">): number {
  return key.length + (value?.length ?? 0);
}
