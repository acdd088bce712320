import { ConatError } from "../protocol/conat-error.ts";

interface Waiter {
  /** Waits for the writes up to this number, */
  readonly lastId: number;
  /** of which so many have not ended. */
  left: number;
  failure: ConatError | undefined;
  readonly timeoutMs: number;
  /** By the monotonic clock. */
  readonly dueAt: number;
  readonly resolve: () => void;
  readonly reject: (error: ConatError) => void;
}

/** Those who wait until every write up to a number has ended. One timer serves them all: a deadline costs a wait nothing. */
export class DrainWaiters {
  #waiters: Waiter[] = [];
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** When the timer goes off. */
  #timerAt = Number.POSITIVE_INFINITY;

  /**
   * Resolves when the writes up to `lastId` have ended, `left` of which have not yet; rejects with the first failure among
   * them, or with `timeout`.
   */
  wait(lastId: number, left: number, timeoutMs: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const dueAt = performance.now() + timeoutMs;
      this.#waiters.push({ lastId, left, failure: undefined, timeoutMs, dueAt, resolve, reject });
      if (dueAt < this.#timerAt) this.#setTimer(dueAt);
    });
  }

  /** A write has failed, and will be told as ended. */
  failed(id: number, error: ConatError): void {
    for (const waiter of this.#waiters) if (id <= waiter.lastId) waiter.failure ??= error;
  }

  ended(id: number): void {
    let isDone = false;
    for (const waiter of this.#waiters) {
      if (id > waiter.lastId) continue;
      waiter.left -= 1;
      if (waiter.left === 0) isDone = true;
    }
    if (!isDone) return;
    for (const { failure, resolve, reject } of this.#takeOut(({ left }) => left === 0)) {
      if (failure) reject(failure);
      else resolve();
    }
  }

  /** Nobody waits any more. */
  close(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#timerAt = Number.POSITIVE_INFINITY;
  }

  #takeOut(isOut: (waiter: Waiter) => boolean): Waiter[] {
    const out = this.#waiters.filter(isOut);
    this.#waiters = this.#waiters.filter((waiter) => !isOut(waiter));
    return out;
  }

  #setTimer(dueAt: number): void {
    clearTimeout(this.#timer);
    this.#timerAt = dueAt;
    this.#timer = setTimeout(this.#onTimer, Math.max(0, dueAt - performance.now()));
  }

  readonly #onTimer = (): void => {
    this.close();
    const now = performance.now();
    for (const { left, timeoutMs, reject } of this.#takeOut(({ dueAt }) => dueAt <= now)) {
      const message = `${left} writes were not acknowledged within ${timeoutMs} ms; they go on`;
      reject(new ConatError("timeout", message));
    }
    const next = Math.min(...this.#waiters.map(({ dueAt }) => dueAt));
    if (next < Number.POSITIVE_INFINITY) this.#setTimer(next);
  };
}
