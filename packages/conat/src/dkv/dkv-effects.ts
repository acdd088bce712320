import type { Entry, EntryHeaders } from "../protocol/entry.ts";
import type { LocalWrite, WriteOutcome } from "./local-write.ts";
import type { Holder } from "./visible.ts";

/** What the state asks of its runner. Called after the state has changed. */
export interface DkvEffects {
  /** A confirmed version was observed. `pending`: a local write lies on top of it. */
  changed(change: ConfirmedChange): void;
  /** The visible value of a key changed without a confirmed version: a local write was added, merged or taken back. */
  localChanged(key: string): void;
  settled(write: LocalWrite, outcome: WriteOutcome): void;
  /** A foreign version met local changes and `merge` decided. */
  merged(conflict: MergedConflict): void;
  /** `merge` threw; the local value was kept. */
  mergeFailed(key: string, error: unknown): void;
  /** An acknowledgement said "duplicate": the leader has to be asked, then {@link DkvState.verified} told. */
  verify(write: LocalWrite, seq: number): void;
  /** Acknowledged writes of this session are gone, because the server lost the epoch they were stored in. */
  lost(writes: readonly LostWrite[]): void;
  /** A number for a write that a merge has made. */
  nextWrite(): number;
  /** A merged write has met `merges` conflicts; {@link DkvState.release} it after a pause that grows with them. */
  backOff(key: string, merges: number): void;
}

export interface ConfirmedChange {
  readonly entry: Entry;
  readonly prev: Entry | undefined;
  readonly own: boolean;
  readonly pending: boolean;
  /** Where the decoded value of the key is kept; of one that is gone, where it was. */
  readonly holder: Holder;
}

export interface MergedConflict {
  readonly key: string;
  readonly prev: Uint8Array | undefined;
  readonly local: Uint8Array | undefined;
  readonly remote: Entry;
  readonly result: Uint8Array | undefined;
}

/** The newest write of a key that this session had stored, and that the server has lost. */
export interface LostWrite {
  readonly key: string;
  /** `undefined` when it was a delete. */
  readonly value: Uint8Array | undefined;
  readonly seq: number;
  readonly ttlMs: number;
  readonly headers: EntryHeaders | undefined;
}

/** Encoded values in, encoded value out; `undefined` stands for "no value" on every side. May throw. */
export type MergeBytes = (
  key: string,
  prev: Uint8Array | undefined,
  local: Uint8Array | undefined,
  remote: Uint8Array | undefined,
) => Uint8Array | undefined;

/** What is sent for a write. */
export interface Sendable {
  readonly write: LocalWrite;
  readonly expectedSeq: number | undefined;
}
