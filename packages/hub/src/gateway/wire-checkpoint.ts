import type { Checkpoint } from "@conat/conat/internal";

/** A checkpoint, and what is not certain of it, as they travel. */
export function toCheckpoint(
  [epoch, seq, time]: [string, number, number],
  inDoubt: readonly [verified: number, told: readonly number[]] | null,
): Checkpoint {
  if (inDoubt === null) return { epoch, seq, time };
  const [verified, told] = inDoubt;
  return { epoch, seq, time, doubt: { verified, told } };
}
