/** One listener of one event. The same function may listen more than once. */
interface Listening<Args extends unknown[]> {
  /** A method, so that one map may hold the listeners of every event: as a property its arguments would be checked. */
  listener(...args: Args): void;
  readonly isOnce: boolean;
}

/** Listeners by event name, in the order they were added. Events and their arguments are typed by the map. */
export class Emitter<Events extends { [Name in keyof Events]: unknown[] }> {
  /** Replaced as a whole, so that an event goes to those who listened when it happened. */
  readonly #listeners = new Map<keyof Events, readonly Listening<Events[keyof Events]>[]>();

  /** Calls `listener` on every `event` from now on. Returns the function that stops it. */
  on<Name extends keyof Events>(
    event: Name,
    listener: (...args: Events[Name]) => void,
  ): () => void {
    return this.#add(event, { listener, isOnce: false });
  }

  /** Stops the oldest of what `on` and `once` have made with this listener. */
  off<Name extends keyof Events>(event: Name, listener: (...args: Events[Name]) => void): void {
    const listening = this.#of(event).find((one) => one.listener === listener);
    if (listening) this.#remove(event, listening);
  }

  once<Name extends keyof Events>(
    event: Name,
    listener: (...args: Events[Name]) => void,
  ): () => void {
    return this.#add(event, { listener, isOnce: true });
  }

  #add<Name extends keyof Events>(event: Name, listening: Listening<Events[Name]>): () => void {
    this.#listeners.set(event, [...this.#of(event), listening]);
    return () => void this.#remove(event, listening);
  }

  /** Answers whether it was there. */
  #remove<Name extends keyof Events>(event: Name, listening: Listening<Events[Name]>): boolean {
    const listeners = this.#of(event);
    this.#listeners.set(
      event,
      listeners.filter((one) => one !== listening),
    );
    return listeners.includes(listening);
  }

  /** Calls every listener. One that throws stops no other; its error is reported as an uncaught one. */
  emit<Name extends keyof Events>(event: Name, ...args: Events[Name]): void {
    for (const listening of this.#of(event)) {
      // It may have been called by an event that a listener before it has set off.
      if (listening.isOnce && !this.#remove(event, listening)) continue;
      try {
        listening.listener(...args);
      } catch (error) {
        reportUncaught(error);
      }
    }
  }

  listenerCount(event: keyof Events): number {
    return this.#of(event).length;
  }

  removeAllListeners(): void {
    this.#listeners.clear();
  }

  #of<Name extends keyof Events>(event: Name): readonly Listening<Events[Name]>[] {
    return this.#listeners.get(event) ?? NONE;
  }
}

const NONE: readonly never[] = [];

/** Makes an application's error visible the way its platform shows uncaught errors, without unwinding our own code. */
export function reportUncaught(error: unknown): void {
  queueMicrotask(() => {
    throw error;
  });
}
