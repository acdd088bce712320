import type { DeviceEvent, Environment } from "../../transport/environment.ts";

/** An environment that a test turns by hand: time passes, and the device says something, when the test says so. */
export class ManualEnvironment implements Environment {
  /** What `random` answers. */
  randomness = 0.5;
  readonly #timers = new Map<object, { readonly at: number; readonly callback: () => void }>();
  readonly #listeners = new Set<(event: DeviceEvent) => void>();
  #elapsed = 0;

  now(): number {
    return 1_700_000_000_000 + this.#elapsed;
  }

  elapsed(): number {
    return this.#elapsed;
  }

  random(): number {
    return this.randomness;
  }

  startTimer(callback: () => void, delayMs: number): () => void {
    const timer = {};
    this.#timers.set(timer, { at: this.#elapsed + delayMs, callback });
    return () => this.#timers.delete(timer);
  }

  watchDevice(listener: (event: DeviceEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  tell(event: DeviceEvent): void {
    for (const listener of [...this.#listeners]) listener(event);
  }

  /** Lets time pass, in milliseconds, and fires what falls due, in order. */
  advance(byMs: number): void {
    const end = this.#elapsed + byMs;
    for (;;) {
      const due = [...this.#timers]
        .filter(([, { at }]) => at <= end)
        .sort(([, one], [, other]) => one.at - other.at)[0];
      if (due === undefined) break;
      const [timer, { at, callback }] = due;
      this.#timers.delete(timer);
      this.#elapsed = Math.max(this.#elapsed, at);
      callback();
    }
    this.#elapsed = end;
  }

  /** When the running timers fall due, in milliseconds from now. */
  get pendingTimers(): number[] {
    return [...this.#timers.values()].map(({ at }) => at - this.#elapsed);
  }

  get deviceListeners(): number {
    return this.#listeners.size;
  }
}
