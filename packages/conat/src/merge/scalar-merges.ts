import type { MergeArguments } from "../dkv/dkv-options.ts";

/** Adds up what both sides have added since the version they share. A missing value counts as 0. */
export function mergeCounter({ prev, local, remote }: MergeArguments<number>): number {
  return (local ?? 0) + (remote ?? 0) - (prev ?? 0);
}

/** The larger of the two; a value wins over its absence. */
export function mergeMax({ local, remote }: MergeArguments<number>): number | undefined {
  return local === undefined || remote === undefined ? (local ?? remote) : Math.max(local, remote);
}

/** The smaller of the two; a value wins over its absence. */
export function mergeMin({ local, remote }: MergeArguments<number>): number | undefined {
  return local === undefined || remote === undefined ? (local ?? remote) : Math.min(local, remote);
}
