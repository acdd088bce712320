import type { AnyValue } from "@conat/conat";
import { ImmutableMap, immutableView } from "@conat/conat/immutable";
import type { StoreAccess } from "./store-access.ts";

/** Every value of a store by key, in no order: an Immutable.js Map that shares with the one before what is the same. */
export type Values<T> = ImmutableMap<string, AnyValue<T>>;

/** The content of a store for `useSyncExternalStore`. */
export function createValuesView<T>(access: StoreAccess<T>) {
  const initial: Values<T> = ImmutableMap(access.initial as ReadonlyMap<string, AnyValue<T>>);
  return {
    /** What a server shows, and the page until the store is open. */
    initial,
    read: (): Values<T> => {
      const { store } = access.state;
      return store === undefined ? initial : immutableView(store).snapshot();
    },
    subscribe: (onChange: () => void): (() => void) =>
      access.subscribe((store) => immutableView(store).subscribe(onChange), onChange),
  };
}
