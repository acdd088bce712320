/** What every system under test looks like to the load: key-value stores, or channels, that many clients share. */
export interface System {
  connect(): Promise<Connection>;
}

/** One client's connection. */
export interface Connection {
  /**
   * Opens a store; resolves when its content is complete and changes will arrive.
   * @param keys how many keys from `makeKey(0)` on the load uses, for systems that subscribe to each key.
   */
  open(store: string, keys: number): Promise<Store>;
  /** Calls back for every change of a store without keeping the store, as `open` and `onChange` would. */
  follow?(store: string, listener: () => void): Promise<void>;
  /** Resolves when the connection, which is lost now, is up again. */
  reconnected?(): Promise<void>;
  close(): Promise<void>;
}

export interface Store {
  /** Keys it has; 0 where a system does not know. */
  readonly size: number;
  /** Sends a write and does not wait. */
  set(key: string, value: Value, ttlMs?: number): void;
  /** Resolves when everything sent so far is confirmed; rejects when something was refused. */
  confirmed(): Promise<void>;
  /** Calls back for every change that arrives, own ones included; changes arrive once this has resolved. */
  onChange(listener: (key: string) => void): void | Promise<void>;
  /** Adds one to a number, so that no other writer's addition is lost. */
  increment?(key: string): Promise<void>;
  /** The number under a key. */
  count?(key: string): Promise<number>;
  /** Looks at every value once. */
  readAll?(): void;
  close(): Promise<void>;
}

/** A value of about 100 bytes in its encoded form. */
export interface Value {
  readonly n: number;
  readonly text: string;
}

const TEXT = "All human beings are born free and equal in dignity and rights, they say.".padEnd(
  80,
  ".",
);

export function makeValue(n: number): Value {
  return { n, text: TEXT };
}

/** The same number of bytes for clients that do not encode. */
export const VALUE_BYTES: Uint8Array = new TextEncoder().encode(JSON.stringify(makeValue(12_345)));

/** Key number `n`, as long as an application's keys are. */
export function makeKey(n: number): string {
  return `task-${String(n).padStart(7, "0")}`;
}
