import { isCursorMessage } from "./from-others.ts";
import type { CursorMessage, Person } from "./stores.ts";

/** Who has been silent for this long has left, in milliseconds. */
export const GONE_AFTER_MS = 8_000;

/** How often everybody says that they are there, in milliseconds. */
export const HEARTBEAT_MS = 2_500;

interface Seen {
  readonly message: CursorMessage;
  readonly at: number;
}

/** The other windows and processes, as their messages tell. Every reading is the same object until it changes. */
export class People {
  readonly #ownId: string;
  readonly #seen = new Map<string, Seen>();
  readonly #listeners = new Set<() => void>();
  #cursors: readonly CursorMessage[] = [];
  #present: readonly Person[] = [];

  /** @param ownId whose messages are left out */
  constructor(ownId: string) {
    this.#ownId = ownId;
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  };

  /** Those whose pointer is somewhere. */
  readonly cursors = (): readonly CursorMessage[] => this.#cursors;

  /** Everybody, in the order they came. */
  readonly present = (): readonly Person[] => this.#present;

  receive(message: unknown, now: number): void {
    if (!isCursorMessage(message) || message.id === this.#ownId) return;
    if (message.gone) this.#seen.delete(message.id);
    else this.#seen.set(message.id, { message, at: now });
    this.#update();
  }

  /** Forgets who has been silent for too long. */
  sweep(now: number): void {
    const before = this.#seen.size;
    for (const [id, { at }] of this.#seen) if (now - at > GONE_AFTER_MS) this.#seen.delete(id);
    if (this.#seen.size !== before) this.#update();
  }

  #update(): void {
    const messages = Array.from(this.#seen.values(), ({ message }) => message);
    this.#cursors = messages.filter(({ at }) => at !== undefined);
    const present = messages.map(({ person }) => person);
    if (!samePeople(present, this.#present)) this.#present = present;
    for (const listener of [...this.#listeners]) listener();
  }
}

function samePeople(a: readonly Person[], b: readonly Person[]): boolean {
  return (
    a.length === b.length &&
    a.every(({ id, name, hue }, index) => {
      const other = b[index];
      return other?.id === id && other.name === name && other.hue === hue;
    })
  );
}
