import type { BoundEntries } from "@conat/conat/jetstream";

/**
 * What clients that are gone have set until they disconnect. One that says that it will not come back is believed; any
 * other is given a grace, in which it may be connected to another hub long since: it has set everything anew there, and
 * what is removed here is only what it has not.
 */
export class Departures {
  readonly #graceMs: number;
  readonly #waiting = new Map<BoundEntries, NodeJS.Timeout>();
  readonly #leaving = new Set<BoundEntries>();
  #isClosed = false;

  constructor(graceMs: number) {
    this.#graceMs = graceMs;
  }

  leave(bound: BoundEntries, isForGood: boolean): void {
    if (bound.size === 0 || (this.#isClosed && !isForGood)) bound.close();
    else if (isForGood) void this.#release(bound);
    else {
      const timer = setTimeout(() => {
        this.#waiting.delete(bound);
        void this.#release(bound);
      }, this.#graceMs);
      this.#waiting.set(bound, timer);
    }
  }

  /**
   * The hub ends: what waits is left to the end of its lifetime, because its client may be on the way to another hub.
   * Resolves when what is being removed is gone, or after `deadlineMs`.
   */
  async close(deadlineMs: number): Promise<void> {
    this.#isClosed = true;
    for (const [bound, timer] of this.#waiting) {
      clearTimeout(timer);
      bound.close();
    }
    this.#waiting.clear();
    const timer = setTimeout(() => {
      for (const bound of this.#leaving) bound.close();
    }, deadlineMs);
    await Promise.all([...this.#leaving].map((bound) => bound.release()));
    clearTimeout(timer);
  }

  async #release(bound: BoundEntries): Promise<void> {
    this.#leaving.add(bound);
    await bound.release();
    bound.close();
    this.#leaving.delete(bound);
  }
}
