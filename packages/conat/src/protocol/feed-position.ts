/** How far a reader has seen one store; enough for any hub to continue from there. */
export interface Checkpoint {
  /** Identity of the bucket that `seq` counts in. */
  readonly epoch: string;
  /** Everything of the store up to this stream sequence has been seen. */
  readonly seq: number;
  /** Server time when that was true, in milliseconds since the epoch. Markers older than their lifetime are gone. */
  readonly time: number;
}

/**
 * What an acknowledgement of a write means.
 * `memory`: the server holds it. `os`: the operating system has it, the disk within the server's flush interval.
 * `disk`: flushed before the acknowledgement. `unknown`: an external server whose operator has not declared it.
 */
export type Durability = "memory" | "os" | "disk" | "unknown";

export const DURABILITIES: readonly Durability[] = ["memory", "os", "disk", "unknown"];
