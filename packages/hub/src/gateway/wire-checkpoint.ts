import type { Checkpoint } from "@conat/conat/internal";

/** A checkpoint, and what is not certain of it, as they travel. */
export function toCheckpoint(
  [epoch, seq, time]: [string, number, number],
  inDoubt: readonly [verified: number, differences: readonly number[]] | null,
): Checkpoint {
  if (inDoubt === null) return { epoch, seq, time };
  const [verified, differences] = inDoubt;
  const told = new Set(differences.map((difference) => verified + difference));
  return { epoch, seq, time, doubt: { verified, told } };
}
