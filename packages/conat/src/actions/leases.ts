import { Listeners } from "./listeners.ts";

/** What components share: closed when nobody has held it for the grace period. */
export interface Shareable {
  /** It can no longer be used. Who still holds it sees why; the next to come gets a new one. */
  readonly ended: boolean;
  close(): void;
}

export interface Lease<Resource> {
  readonly resource: Resource;
  /** Lets go. Idempotent. */
  release(): void;
}

interface Held<Resource> {
  readonly resource: Resource;
  holders: number;
  timer: ReturnType<typeof setTimeout> | undefined;
}

/**
 * Resources by name, opened by the first who asks and closed a grace period after the last has let go: a component that
 * is unmounted and mounted again at once, as under StrictMode, finds the one it had.
 */
export class Leases<Resource extends Shareable> {
  readonly #graceMs: number;
  readonly #held = new Map<string, Held<Resource>>();
  /** Told after something was opened or closed; and by whoever opens resources, of what else concerns all of them. */
  readonly changed = new Listeners();

  constructor(graceMs: number) {
    this.#graceMs = graceMs;
  }

  /** How many resources are open, those in their grace period included. */
  get size(): number {
    return this.#held.size;
  }

  /** The resource if it is open; for reading while rendering, which must open nothing. */
  peek(slot: string): Resource | undefined {
    return this.#held.get(slot)?.resource;
  }

  /** Everything that can be acquired as it is, with its name: not what has ended and nobody holds. */
  *entries(): IterableIterator<[slot: string, resource: Resource]> {
    for (const [slot, { resource, holders }] of this.#held) {
      if (holders > 0 || !resource.ended) yield [slot, resource];
    }
  }

  /** @param graceMs how long it outlives this holder, if that is the last. @default that of all */
  acquire(slot: string, open: () => Resource, graceMs: number = this.#graceMs): Lease<Resource> {
    const held = this.#usable(slot) ?? this.#open(slot, open);
    clearTimeout(held.timer);
    held.holders += 1;
    let released = false;
    const release = (): void => {
      if (released) return;
      released = true;
      held.holders -= 1;
      if (held.holders > 0) return;
      const drop = (): void => this.#drop(slot, held);
      if (held.resource.ended) drop();
      else held.timer = setTimeout(drop, graceMs);
    };
    return { resource: held.resource, release };
  }

  /** Does something with a resource, which is opened for it if need be. */
  use<Result>(slot: string, open: () => Resource, action: (resource: Resource) => Result): Result {
    const { resource, release } = this.acquire(slot, open);
    try {
      return action(resource);
    } finally {
      release();
    }
  }

  #open(slot: string, open: () => Resource): Held<Resource> {
    const held = { resource: open(), holders: 0, timer: undefined };
    this.#held.set(slot, held);
    this.changed.tell();
    return held;
  }

  #usable(slot: string): Held<Resource> | undefined {
    const held = this.#held.get(slot);
    if (held === undefined || held.holders > 0 || !held.resource.ended) return held;
    this.#drop(slot, held);
    return undefined;
  }

  #drop(slot: string, held: Held<Resource>): void {
    clearTimeout(held.timer);
    if (this.#held.get(slot) !== held) return;
    this.#held.delete(slot);
    held.resource.close();
    this.changed.tell();
  }
}
