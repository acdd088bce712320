import type { Socket } from "socket.io";

/** Keeps a number; resolves when it is stored. */
type StoreNumber = (path: string, number: number) => Promise<unknown>;

/** A client that wants to change a number. */
interface Wish {
  readonly client: Socket;
  /** Tells it that its number counts. */
  readonly done: () => void;
}

/**
 * Numbers that clients change one after the other: who has a number's turn is handed the number and answers with the
 * next one. Nobody else is told of it.
 */
export class Turns {
  readonly #store: StoreNumber | undefined;
  readonly #numbers = new Map<string, number>();
  readonly #queues = new Map<string, Wish[]>();

  /** @param store keeps each number before the turn goes on; without it a number is only remembered */
  constructor(store?: StoreNumber) {
    this.#store = store;
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
      if (this.#store === undefined) this.#goOn(path, queue, next);
      else void this.#store(path, next).then(() => this.#goOn(path, queue, next));
    });
  }

  #goOn(path: string, queue: Wish[], number: number): void {
    this.#numbers.set(path, number);
    const wish = queue.shift();
    this.#handOut(path, queue);
    wish?.done();
  }
}
