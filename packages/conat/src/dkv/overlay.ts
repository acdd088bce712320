import { ConatError } from "../protocol/conat-error.ts";
import { type Entry, valueBytes } from "../protocol/entry.ts";
import type { LostWrite } from "./dkv-effects.ts";
import type { LocalWrite, WriteOutcome } from "./local-write.ts";
import type { Remembered } from "./visible.ts";

/** What a chain of local writes was built on. */
export interface Base {
  readonly seq: number;
  /** For a merge; without one it need not be known. */
  readonly value: Uint8Array | undefined;
}

export interface InFlight {
  readonly write: LocalWrite;
  readonly expectedSeq: number | undefined;
  /** Sequence the key was known to have when the write was first sent. */
  readonly knownSeq: number;
  /** It may have been stored by an earlier attempt. */
  readonly ambiguous: boolean;
  /** `parked`: waits for the feed to catch up. `released`: may be sent again. */
  readonly phase: "sent" | "parked" | "released";
}

export interface Acked {
  readonly write: LocalWrite;
  readonly seq: number;
  /** That was in an epoch that the server has lost. */
  readonly isLost: boolean;
}

/** The local writes of one key, laid over what is confirmed. */
export interface Overlay {
  base: Base;
  pending: LocalWrite | undefined;
  inFlight: InFlight | undefined;
  /** Acknowledged under `seq`, its entry not yet seen. */
  acked: Acked | undefined;
  /** The value that the key shows, once somebody has asked for it. */
  remembered: Remembered | undefined;
}

/** The value that an entry has stored. */
export function storedValue(entry: Entry): Uint8Array | undefined {
  return entry.kind === "put" ? valueBytes(entry) : undefined;
}

/** An own entry that the server has lost. */
export function toLost(entry: Entry): LostWrite {
  const { key, seq, ttlMs, headers } = entry;
  return { key, value: storedValue(entry), seq, ttlMs, headers };
}

/** The end of a write that may have been stored. @param refusal why it was not when it was sent again */
export function unknownOutcome(key: string, refusal?: ConatError): WriteOutcome {
  return {
    status: "outcome-unknown",
    error: new ConatError(
      "outcome-unknown",
      `the connection broke while ${JSON.stringify(key)} was being written; it may have been stored and overwritten since`,
      { cause: refusal },
    ),
  };
}
