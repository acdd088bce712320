import { BoundedQueue } from "./bounded-queue.ts";

/** Writes in flight at the same time: enough to keep a server busy, few enough to be done soon after a cut. */
const WINDOW_WRITES = 2_000;

/** Bytes in flight at the same time. */
const WINDOW_BYTES = 16_777_216;

/** Writes that wait for a place in the window, and their bytes. */
const QUEUE_WRITES = 100_000;
const QUEUE_BYTES = 67_108_864;

/** Bounds the writes in flight. Those that find no place wait in the order in which they came. */
export class WriteWindow<Write extends { readonly bytes: number }> {
  readonly #queue = new BoundedQueue<Write>(QUEUE_WRITES, QUEUE_BYTES);
  #open = 0;
  #openBytes = 0;

  /** Writes in flight, and writes that wait. */
  get size(): number {
    return this.#open + this.#queue.length;
  }

  /** `in`: it is to be sent now, and takes its place until `leave`. `full`: there is no room even to wait. */
  enter(write: Write): "in" | "waits" | "full" {
    if (this.#queue.length === 0 && this.#hasRoom(write.bytes)) {
      this.#take(write);
      return "in";
    }
    if (this.#queue.isFullFor(write.bytes)) return "full";
    this.#queue.push(write);
    return "waits";
  }

  leave({ bytes }: Write): void {
    this.#open -= 1;
    this.#openBytes -= bytes;
  }

  /** Those that have waited and have a place now. */
  enterWaiting(): Write[] {
    const entered: Write[] = [];
    for (let next = this.#queue.peek(); next !== undefined; next = this.#queue.peek()) {
      if (!this.#hasRoom(next.bytes)) break;
      this.#queue.shift();
      this.#take(next);
      entered.push(next);
    }
    return entered;
  }

  /** Those that wait leave without having been in. */
  dropWaiting(): Write[] {
    return this.#queue.takeAll();
  }

  #hasRoom(bytes: number): boolean {
    if (this.#open === 0) return true;
    return this.#open < WINDOW_WRITES && this.#openBytes + bytes <= WINDOW_BYTES;
  }

  #take({ bytes }: Write): void {
    this.#open += 1;
    this.#openBytes += bytes;
  }
}
