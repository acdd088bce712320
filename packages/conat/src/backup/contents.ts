import { storeKey } from "../protocol/scope.ts";
import type { BackedUp } from "./backup-line.ts";

/** What all stores hold after a number of entries, each of which sets a key, removes one, or empties a store. */
export class Contents implements Iterable<BackedUp> {
  readonly #stores = new Map<string, Map<string, BackedUp>>();

  apply(entry: BackedUp): void {
    const slot = storeKey(entry.store);
    if (entry.key === undefined) {
      this.#stores.delete(slot);
    } else if (entry.value === undefined) {
      this.#stores.get(slot)?.delete(entry.key);
    } else {
      const keys = this.#stores.get(slot) ?? new Map<string, BackedUp>();
      this.#stores.set(slot, keys.set(entry.key, entry));
    }
  }

  get({ store, key = "" }: BackedUp): BackedUp | undefined {
    return this.#stores.get(storeKey(store))?.get(key);
  }

  *[Symbol.iterator](): IterableIterator<BackedUp> {
    for (const keys of this.#stores.values()) yield* keys.values();
  }
}
