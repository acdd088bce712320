import type { Socket } from "socket.io";

/** Keeps a number; resolves when it is stored. */
type StoreNumber = (path: string, number: number) => Promise<unknown>;

export interface TurnsOptions {
  /** Keeps each number before the turn goes on; without it a number is only remembered. */
  readonly store?: StoreNumber | undefined;
  /** Tells everybody of each number. */
  readonly tell?: ((path: string, number: number) => void) | undefined;
}

/** A client that wants to change a number. */
interface Wish {
  readonly client: Socket;
  /** Tells it that its number counts. */
  readonly done: () => void;
}

/**
 * Numbers that clients change one after the other: who has a number's turn is handed the number and answers with the
 * next one.
 */
export class Turns {
  readonly #options: TurnsOptions;
  readonly #numbers = new Map<string, number>();
  readonly #queues = new Map<string, Wish[]>();

  constructor(options: TurnsOptions) {
    this.#options = options;
  }

  number(path: string): number {
    return this.#numbers.get(path) ?? 0;
  }

  wish(path: string, wish: Wish): void {
    const queue = this.#queues.get(path) ?? [];
    this.#queues.set(path, queue);
    queue.push(wish);
    if (queue.length === 1) this.#handOut(path, queue);
  }

  /** To the first in the queue, which stays there until its number counts. */
  #handOut(path: string, queue: Wish[]): void {
    queue[0]?.client.emit("turn", this.number(path), (next: number) => {
      const { store } = this.#options;
      if (store === undefined) this.#goOn(path, queue, next);
      else void store(path, next).then(() => this.#goOn(path, queue, next));
    });
  }

  #goOn(path: string, queue: Wish[], number: number): void {
    this.#numbers.set(path, number);
    const wish = queue.shift();
    this.#handOut(path, queue);
    wish?.done();
    this.#options.tell?.(path, number);
  }
}
