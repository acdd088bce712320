/**
 * What is not certain of how far a reader has got: a message that was lost between two servers leaves no trace in those
 * that follow it.
 */
export interface Doubt {
  /** Everything up to this stream sequence has been held against what is stored. */
  readonly verified: number;
  /** Of what came later: by how much the sequences that the reader has are above that. It need not name all of them. */
  readonly told: readonly number[];
}

/** How far a reader has seen one store; enough for any hub to continue from there. */
export interface Checkpoint {
  /** Identity of the bucket that `seq` counts in. */
  readonly epoch: string;
  /** Everything of the store up to this stream sequence has been seen, as far as `doubt` goes. */
  readonly seq: number;
  /** Server time when that was true, in milliseconds since the epoch. Markers older than their lifetime are gone. */
  readonly time: number;
  /** Absent when there is none. */
  readonly doubt?: Doubt | undefined;
}

/**
 * What an acknowledgement of a write means.
 * `memory`: the server holds it. `os`: the operating system has it, the disk within the server's flush interval.
 * `disk`: flushed before the acknowledgement. `unknown`: an external server whose operator has not declared it.
 */
export type Durability = "memory" | "os" | "disk" | "unknown";

export const DURABILITIES: readonly Durability[] = ["memory", "os", "disk", "unknown"];
