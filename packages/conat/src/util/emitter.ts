/** Listeners by event name, in the order they were added. Events and their arguments are typed by the map. */
export class Emitter<Events extends { [Name in keyof Events]: unknown[] }> {
  readonly #listeners: { [Name in keyof Events]?: Set<(...args: Events[Name]) => void> } =
    Object.create(null);

  /** Calls `listener` on every `event` from now on. Returns the function that stops it. */
  on<Name extends keyof Events>(
    event: Name,
    listener: (...args: Events[Name]) => void,
  ): () => void {
    const listeners = this.#listeners[event] ?? new Set();
    this.#listeners[event] = listeners;
    listeners.add(listener);
    return () => this.off(event, listener);
  }

  off<Name extends keyof Events>(event: Name, listener: (...args: Events[Name]) => void): void {
    this.#listeners[event]?.delete(listener);
  }

  once<Name extends keyof Events>(
    event: Name,
    listener: (...args: Events[Name]) => void,
  ): () => void {
    const stop = this.on(event, (...args: Events[Name]) => {
      stop();
      listener(...args);
    });
    return stop;
  }

  /** Calls every listener. One that throws stops no other; its error is reported as an uncaught one. */
  emit<Name extends keyof Events>(event: Name, ...args: Events[Name]): void {
    const listeners = this.#listeners[event];
    if (listeners === undefined || listeners.size === 0) return;
    for (const listener of [...listeners]) {
      try {
        listener(...args);
      } catch (error) {
        reportUncaught(error);
      }
    }
  }

  listenerCount(event: keyof Events): number {
    return this.#listeners[event]?.size ?? 0;
  }

  removeAllListeners(): void {
    for (const event in this.#listeners) delete this.#listeners[event];
  }
}

/** Makes an application's error visible the way its platform shows uncaught errors, without unwinding our own code. */
export function reportUncaught(error: unknown): void {
  queueMicrotask(() => {
    throw error;
  });
}
