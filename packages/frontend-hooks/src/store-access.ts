import type { DKV, DkvOptions, SetOptions, ValueAt } from "@conat/conat";
import type { Lease } from "@conat/conat/actions";
import { LOADING, type RejectedWrite, type StoreState } from "@conat/conat/actions";
import { useMemo } from "react";
import { type ConatContextValue, type ConatRoot, useConatContext } from "./conat-root.ts";
import { contentKey } from "./content-key.ts";
import { NONE, SharedStore } from "./shared-store.ts";
import { nameOf, type Snapshots } from "./snapshots.ts";
import { holdWhile } from "./suspension.ts";

/** Which store; the client is the provider's. Declared with its type, it types the hooks: `StoreOptions<Todo>`. */
export interface StoreOptions<T = unknown> extends Omit<DkvOptions<T>, "client"> {
  /** Throw to the error boundary why the store cannot be used. @default the provider's */
  readonly throwErrors?: boolean | undefined;
}

/** A store of a provider, by name: it is open while somebody is subscribed. Making one opens nothing. */
export class StoreAccess<T> {
  readonly #root: ConatRoot;
  readonly #slot: string;
  readonly #options: DkvOptions<T>;
  readonly #snapshots: Snapshots;

  constructor(
    { root, snapshots }: Omit<ConatContextValue, "throwErrors">,
    slot: string,
    { throwErrors: _, ...options }: StoreOptions<T>,
  ) {
    this.#root = root;
    this.#snapshots = snapshots;
    this.#slot = slot;
    this.#options = options;
  }

  get state(): StoreState<T> {
    return (this.#shared?.state ?? LOADING) as StoreState<T>;
  }

  /** What the provider was given to show until the store is open. */
  get initial(): ReadonlyMap<string, unknown> | undefined {
    return this.#snapshots.get(nameOf(this.#options));
  }

  /** Writes that wait for the store to open. */
  get waiting(): number {
    return this.#shared?.waiting ?? 0;
  }

  /** Writes that failed; the same array until something of it changes. */
  get rejected(): readonly RejectedWrite<T>[] {
    return (this.#shared?.rejected ?? NONE) as readonly RejectedWrite<T>[];
  }

  /** Opens the store for a component that cannot be mounted before; resolves when it is open, or cannot be opened. */
  opening(): Promise<void> {
    const { resource, release } = this.#acquire();
    return holdWhile(resource.opened(), release, this.#root.graceMs);
  }

  /** Keeps the store open, calls `onChange` when its state has changed, and `follow` for every store that it becomes. */
  subscribe(follow: (store: DKV<T>) => () => void, onChange: () => void): () => void {
    const { resource, release } = this.#acquire();
    let followed: DKV<T> | undefined;
    let stop: (() => void) | undefined;
    const update = (): void => {
      const { store } = this.state;
      if (store === followed) return;
      stop?.();
      followed = store;
      stop = store && follow(store);
    };
    update();
    const unsubscribe = resource.subscribe(() => {
      update();
      onChange();
    });
    return () => {
      unsubscribe();
      stop?.();
      release();
    };
  }

  /**
   * Sets a key, at once or as soon as the store is open; also after the component is gone.
   * @throws ConatError what `DKV.set` throws, `outbox-full`, or why the store cannot be used
   */
  readonly set = <Key extends string>(
    key: Key,
    value: ValueAt<T, Key>,
    options?: SetOptions,
  ): void => this.write((store) => void store.set(key, value, options));

  /** Removes a key, as {@link set} sets it. */
  readonly delete = (key: string, options?: Pick<SetOptions, "ifSeq" | "headers">): void =>
    this.write((store) => void store.delete(key, options));

  /** Changes a key by compare-and-set, so that no change of anybody is lost; see `DKV.update`. */
  readonly update = async <Key extends string>(
    key: Key,
    change: (value: ValueAt<T, Key> | undefined) => ValueAt<T, Key> | undefined,
  ): Promise<ValueAt<T, Key> | undefined> => {
    const { resource, release } = this.#acquire();
    try {
      return await ((await resource.opened()) as DKV<T>).update(key, change);
    } finally {
      release();
    }
  };

  write(action: (store: DKV<T>) => void): void {
    this.#root.stores.use(this.#slot, this.#open, (shared) =>
      shared.write(action as (store: DKV) => void),
    );
  }

  get #shared(): SharedStore | undefined {
    return this.#root.stores.peek(this.#slot);
  }

  #acquire(): Lease<SharedStore> {
    return this.#root.stores.acquire(this.#slot, this.#open);
  }

  readonly #open = (): SharedStore => {
    const { stores } = this.#root;
    const tell = (): void => stores.changed.tell();
    return new SharedStore(this.#root.holdClient(), this.#options as DkvOptions, tell);
  };
}

/** The store that `options` name, the same object as long as they name the same. */
export function useStoreAccess<T>(options: StoreOptions<T>): StoreAccess<T> {
  const { root, snapshots } = useConatContext();
  const slot = slotOf(options);
  // biome-ignore lint/correctness/useExhaustiveDependencies: options of another content have another slot
  return useMemo(
    () => new StoreAccess({ root, snapshots }, slot, options),
    [root, snapshots, slot],
  );
}

/** Under which name a root keeps the store. */
export function slotOf<T>({ throwErrors: _, ...options }: StoreOptions<T>): string {
  return contentKey(options);
}

/** Throws why a store or channel cannot be used, when the component or its provider wants that. */
export function useThrownError(wanted: boolean | undefined, error: Error | undefined): void {
  const { throwErrors } = useConatContext();
  if ((wanted ?? throwErrors) && error !== undefined) throw error;
}
