import { diff3Merge } from "node-diff3";
import { cutAtAnchors, type Naming, nameOccurrences, nameUnique } from "./anchors.ts";
import { editsOf, isOneSided, type Piece } from "./piece.ts";

interface Region {
  readonly ok?: string[];
  readonly conflict?: { readonly a: string[]; readonly b: string[]; readonly o: string[] };
}

/** Decides about a place that both sides changed in different ways. */
export type ResolvePlace = (place: Piece) => readonly string[];

/**
 * What the library may take for a piece, in steps of some nanoseconds for each item of it. It compares every pair of
 * equal items, so that ten thousand empty lines would take it hours.
 */
const MAX_STEPS_PER_ITEM = 3_000;

/** How a piece that would take too long is cut, one after the other. */
const NAMINGS: readonly Naming[] = [nameUnique, nameOccurrences];

/** Both versions, the stored one first. */
const keepBoth: ResolvePlace = ({ local, remote }) => [...remote, ...local];

/**
 * 3-way merge of two edited sequences of strings: place by place where neither side has changed how many there are, and
 * no place was changed by both; else by what was inserted and removed. Where both sides changed the same place in
 * different ways, both versions are kept, the stored one first, unless `resolve` knows better.
 */
export function mergeSequences(
  prev: readonly string[],
  local: readonly string[],
  remote: readonly string[],
  resolve: ResolvePlace = keepBoth,
): string[] {
  return [...mergePiece({ prev, local, remote }, 0, resolve)];
}

function mergePiece(piece: Piece, cuts: number, resolve: ResolvePlace): readonly string[] {
  const { prev, local, remote } = piece;
  if (isSame(local, remote) || isSame(remote, prev)) return local;
  if (isSame(local, prev)) return remote;
  // Items that are all the same say nothing about which of them was replaced; their places do.
  const edits = editsOf(piece);
  if (edits?.every(isOneSided)) {
    return edits.map(([was, mine, stored]) => (mine === was ? stored : mine));
  }
  const most = MAX_STEPS_PER_ITEM * (prev.length + local.length + remote.length);
  if (steps(prev, local) + steps(prev, remote) <= most) return mergeShort(piece, resolve);
  const naming = NAMINGS[cuts];
  if (naming === undefined) return resolve(piece);
  return cutAtAnchors(piece, naming).flatMap((part) => mergePiece(part, cuts + 1, resolve));
}

function isSame(one: readonly string[], other: readonly string[]): boolean {
  return one.length === other.length && one.every((item, at) => item === other[at]);
}

/** How long the library takes to compare two sequences: pairs of equal items, times the length of what is common. */
function steps(one: readonly string[], other: readonly string[]): number {
  const counts = new Map<string, number>();
  for (const item of one) counts.set(item, (counts.get(item) ?? 0) + 1);
  let pairs = 0;
  for (const item of other) pairs += counts.get(item) ?? 0;
  return pairs * Math.min(one.length, other.length);
}

function mergeShort({ prev, local, remote }: Piece, resolve: ResolvePlace): string[] {
  const regions: Region[] = diff3Merge(mark(remote), mark(prev), mark(local), {
    excludeFalseConflicts: true,
  });
  return regions.flatMap(({ ok, conflict }) => {
    if (conflict === undefined) return unmark(ok ?? []);
    const { a, b, o } = conflict;
    return [...resolve({ prev: unmark(o), local: unmark(b), remote: unmark(a) })];
  });
}

/** The library looks items up in plain objects, where a bare `constructor` would be found. */
function mark(items: readonly string[]): string[] {
  return items.map((item) => `:${item}`);
}

function unmark(items: readonly string[]): string[] {
  return items.map((item) => item.slice(1));
}
