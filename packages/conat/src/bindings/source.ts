import type { StoreHandle } from "../actions/store-handle.ts";
import type { DKV } from "../dkv/dkv.ts";

/** Anything that shows one value and tells when it is another: a store, a `StoreHandle`, an `ImmutableView`. */
export interface Source<Value> {
  /** The same value until something of it changes. */
  snapshot(): Value;
  subscribe(listener: () => void): () => void;
}

/** A store that is open, or one that will be. */
export type KeyedStore<T> = DKV<T> | StoreHandle<T>;
