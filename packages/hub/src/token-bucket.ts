/** How much may come at once after a quiet time, in seconds of the rate. */
const BURST_SECONDS = 2;

/**
 * So much per second, with some room for bursts. What was let through may cost more than was there: the debt is paid
 * back before anything else is let through. Pure: the caller tells the time.
 */
export class TokenBucket {
  readonly #ratePerSecond: number;
  #level: number;
  #filledAt: number;

  /** @param ratePerSecond 0 means no limit */
  constructor(ratePerSecond: number, nowMs: number) {
    this.#ratePerSecond = ratePerSecond;
    this.#level = ratePerSecond * BURST_SECONDS;
    this.#filledAt = nowMs;
  }

  /** Whether anything may be let through now. */
  isOpen(nowMs: number): boolean {
    if (this.#ratePerSecond === 0) return true;
    const gained = (Math.max(0, nowMs - this.#filledAt) * this.#ratePerSecond) / 1_000;
    this.#level = Math.min(this.#ratePerSecond * BURST_SECONDS, this.#level + gained);
    this.#filledAt = nowMs;
    return this.#level > 0;
  }

  /** Something of this cost was let through. */
  spend(cost: number): void {
    if (this.#ratePerSecond > 0) this.#level -= cost;
  }
}
