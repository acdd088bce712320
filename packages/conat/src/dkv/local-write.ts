import type { ConatError } from "../protocol/conat-error.ts";
import type { EntryHeaders } from "../protocol/entry.ts";

/** One local change of one key, as it will be or has been sent. */
export interface LocalWrite {
  /** Write number, unique within the session. A resend keeps it; a merged write gets a new one. */
  readonly id: number;
  readonly key: string;
  /** Encoded value; `undefined` deletes the key. */
  readonly value: Uint8Array | undefined;
  readonly ttlMs: number;
  readonly headers: EntryHeaders | undefined;
  /** Sequence the caller asked for; `undefined` writes over whatever is there. */
  readonly ifSeq: number | undefined;
  /** Numbers of the caller's writes that it was merged from; `undefined` when it is one itself. See {@link carriedBy}. */
  readonly carries: readonly number[] | undefined;
  /** How often it has met a conflict and was merged again. */
  readonly merges: number;
  /** Not shown before it is acknowledged, and not reported when it loses: an attempt of `update`. */
  readonly quiet: boolean;
  /** It ends with this client. */
  readonly untilDisconnect?: boolean | undefined;
  /** An attempt of an update, made again after a conflict. */
  readonly isUpdate?: boolean | undefined;
  /** When it was made, in milliseconds since the epoch, by this machine's clock. */
  readonly at: number;
  /** How it ended, where it is one of the caller's; `undefined` while it has not. */
  outcome: WriteOutcome | undefined;
}

/** Numbers of the caller's writes that end when this one does, the oldest first. */
export function carriedBy({ id, carries }: LocalWrite): readonly number[] {
  return carries ?? [id];
}

export function isCarried(write: LocalWrite | undefined, id: number): boolean {
  return write !== undefined && carriedBy(write).includes(id);
}

/** Number of the oldest of them; 0 where there is no write. */
export function oldestOf(write: LocalWrite | undefined): number {
  return write === undefined ? 0 : (write.carries?.[0] ?? write.id);
}

/** How a write ended. Every write ends exactly once. */
export type WriteOutcome =
  /** Stored under `seq`. */
  | { readonly status: "confirmed"; readonly seq: number }
  /** A later write of this store, or the result of a merge, took its place before it was sent. */
  | { readonly status: "superseded" }
  /** Refused for good; the value shown is what is stored. */
  | { readonly status: "rejected"; readonly error: ConatError }
  /** Taken back by `discard`. */
  | { readonly status: "discarded" }
  /** The connection broke while it was under way and the key was written again since: it may have been stored. */
  | { readonly status: "outcome-unknown"; readonly error: ConatError };
