import type { ConatError } from "../protocol/conat-error.ts";
import type { EntryKind } from "../protocol/entry.ts";
import type { StoreStatus } from "./dkv-runner.ts";

/** One confirmed version of one key. */
export interface DkvChange<T> {
  readonly key: string;
  /** The confirmed value; `undefined` when the key was removed. */
  readonly value: T | undefined;
  /** The confirmed value before it. */
  readonly prev: T | undefined;
  readonly seq: number;
  /** Server time at which it was stored, in milliseconds since the epoch. */
  readonly time: number;
  /** This client wrote it. */
  readonly own: boolean;
  /** A local write lies on top, so `get` shows something else. */
  readonly pending: boolean;
  /** `put`, or how the key was removed. */
  readonly kind: EntryKind;
}

/** A local change met a version that somebody else had stored, and `merge` decided. */
export interface DkvConflict<T> {
  readonly key: string;
  readonly prev: T | undefined;
  readonly local: T | undefined;
  readonly remote: T | undefined;
  /** What `merge` returned, and what is now shown and sent; `undefined` deletes the key. */
  readonly result: T | undefined;
}

/** A write that will not be stored, or of which nobody can say whether it was. */
export interface DkvReject<T> {
  readonly id: number;
  readonly key: string;
  /** What was to be stored; `undefined` when it was a delete. */
  readonly value: T | undefined;
  readonly error: ConatError;
}

/**
 * A write of this client that was acknowledged and is gone: the server lost its memory, or an older backup was restored.
 * The newest one of each key is told.
 */
export interface DkvLost<T> {
  readonly key: string;
  /** What was stored; `undefined` when it was a delete. */
  readonly value: T | undefined;
  /** The sequence it was stored under. */
  readonly seq: number;
}

/** A stored value that is no encoded value, or that the store's schema refuses. It reads as `undefined`. */
export interface DkvInvalid {
  readonly key: string;
  /** The stored bytes. */
  readonly raw: Uint8Array;
  readonly error: ConatError;
}

export interface DkvEvents<T> {
  change: [DkvChange<T>];
  reject: [DkvReject<T>];
  /** What `writes()` lists has changed; once for all changes of one turn. */
  writes: [];
  conflict: [DkvConflict<T>];
  invalid: [DkvInvalid];
  /** After one `error` of the kind `epoch-lost`. */
  lost: [DkvLost<T>];
  /** Every write has ended. */
  stable: [];
  status: [StoreStatus];
  error: [ConatError];
  /** The store has ended; with the reason when the application did not ask for it. */
  closed: [ConatError | undefined];
}
