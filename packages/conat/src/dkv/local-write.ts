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
  /** Numbers of the caller's writes that end when this one does: its own, and those it was merged from. */
  readonly carries: readonly number[];
  /** How often it has met a conflict and was merged again. */
  readonly merges: number;
  /** Not shown before it is acknowledged, and not reported when it loses: an attempt of `update`. */
  readonly quiet: boolean;
  /** It ends with this client. */
  readonly untilDisconnect?: boolean | undefined;
  /** An attempt of an update, made again after a conflict. */
  readonly isUpdate?: boolean | undefined;
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
