/** One listener of one event. The same function may listen more than once. */
interface Listening<Args extends unknown[]> {
  readonly listener: (...args: Args) => void;
  readonly isOnce: boolean;
}

/** Listeners by event name, in the order they were added. Events and their arguments are typed by the map. */
export class Emitter<Events extends { [Name in keyof Events]: unknown[] }> {
  readonly #listeners: { [Name in keyof Events]?: Set<Listening<Events[Name]>> } =
    Object.create(null);

  /** Calls `listener` on every `event` from now on. Returns the function that stops it. */
  on<Name extends keyof Events>(
    event: Name,
    listener: (...args: Events[Name]) => void,
  ): () => void {
    return this.#add(event, { listener, isOnce: false });
  }

  /** Stops the oldest of what `on` and `once` have made with this listener. */
  off<Name extends keyof Events>(event: Name, listener: (...args: Events[Name]) => void): void {
    for (const listening of this.#listeners[event] ?? []) {
      if (listening.listener !== listener) continue;
      this.#listeners[event]?.delete(listening);
      return;
    }
  }

  once<Name extends keyof Events>(
    event: Name,
    listener: (...args: Events[Name]) => void,
  ): () => void {
    return this.#add(event, { listener, isOnce: true });
  }

  #add<Name extends keyof Events>(event: Name, listening: Listening<Events[Name]>): () => void {
    const listeners = this.#listeners[event] ?? new Set();
    this.#listeners[event] = listeners.add(listening);
    return () => void listeners.delete(listening);
  }

  /** Calls every listener. One that throws stops no other; its error is reported as an uncaught one. */
  emit<Name extends keyof Events>(event: Name, ...args: Events[Name]): void {
    const listeners = this.#listeners[event];
    if (listeners === undefined || listeners.size === 0) return;
    for (const listening of [...listeners]) {
      if (listening.isOnce) listeners.delete(listening);
      try {
        listening.listener(...args);
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
