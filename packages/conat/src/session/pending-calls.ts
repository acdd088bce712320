import type { Environment } from "../transport/environment.ts";

/**
 * Calls that wait for an answer, oldest first, all with the same deadline. One timer serves them all, so that a
 * deadline costs a call nothing.
 */
export class PendingCalls<Call> {
  readonly #calls = new Map<number, { readonly call: Call; readonly since: number }>();
  readonly #environment: Environment;
  readonly #timeoutMs: number;
  readonly #onTimeout: (id: number, call: Call) => void;
  #stopTimer: (() => void) | undefined;

  constructor(
    environment: Environment,
    timeoutMs: number,
    onTimeout: (id: number, call: Call) => void,
  ) {
    this.#environment = environment;
    this.#timeoutMs = timeoutMs;
    this.#onTimeout = onTimeout;
  }

  get size(): number {
    return this.#calls.size;
  }

  /** The call of the same id that this one replaces, if there was one. */
  add(id: number, call: Call): Call | undefined {
    const replaced = this.take(id);
    this.#calls.set(id, { call, since: this.#environment.elapsed() });
    if (this.#stopTimer === undefined) this.#startTimer(this.#timeoutMs);
    return replaced;
  }

  take(id: number): Call | undefined {
    const pending = this.#calls.get(id);
    this.#calls.delete(id);
    return pending?.call;
  }

  /** Removes all calls and hands them to `settle`. */
  drain(settle: (id: number, call: Call) => void): void {
    const calls = [...this.#calls];
    this.#calls.clear();
    this.#stopTimer?.();
    this.#stopTimer = undefined;
    for (const [id, { call }] of calls) settle(id, call);
  }

  #startTimer(delayMs: number): void {
    this.#stopTimer = this.#environment.startTimer(() => {
      this.#stopTimer = undefined;
      const now = this.#environment.elapsed();
      for (const [id, { call, since }] of this.#calls) {
        const leftMs = since + this.#timeoutMs - now;
        if (leftMs > 0) return this.#startTimer(leftMs);
        this.#calls.delete(id);
        this.#onTimeout(id, call);
      }
    }, delayMs);
  }
}
