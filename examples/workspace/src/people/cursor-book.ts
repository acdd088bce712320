import type { CursorMessage } from "../model/stores.ts";

/** A pointer that has not moved for this long is not shown, in milliseconds. */
const FADE_AFTER_MS = 10_000;

/** Where the pointers of the other windows are. Every reading is the same array until one moves. */
export class CursorBook {
  readonly #ownId: string;
  readonly #seen = new Map<string, { readonly message: CursorMessage; readonly at: number }>();
  readonly #listeners = new Set<() => void>();
  #cursors: readonly CursorMessage[] = [];

  /** @param ownId whose messages are left out */
  constructor(ownId: string) {
    this.#ownId = ownId;
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  };

  readonly cursors = (): readonly CursorMessage[] => this.#cursors;

  receive(message: CursorMessage, now: number): void {
    if (message.id === this.#ownId) return;
    if (message.at) this.#seen.set(message.id, { message, at: now });
    else this.#seen.delete(message.id);
    this.#tell();
  }

  /** Forgets pointers that rest. */
  sweep(now: number): void {
    const before = this.#seen.size;
    for (const [id, { at }] of this.#seen) if (now - at > FADE_AFTER_MS) this.#seen.delete(id);
    if (this.#seen.size !== before) this.#tell();
  }

  #tell(): void {
    this.#cursors = Array.from(this.#seen.values(), ({ message }) => message);
    for (const listener of [...this.#listeners]) listener();
  }
}
