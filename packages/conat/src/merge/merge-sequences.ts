import { diff3Merge } from "node-diff3";

interface Region {
  readonly ok?: string[];
  readonly conflict?: { readonly a: string[]; readonly b: string[] };
}

/**
 * 3-way merge of two edited sequences of strings. Where both sides changed the same place in different ways, both
 * versions are kept: the stored one first.
 */
export function mergeSequences(
  prev: readonly string[],
  local: readonly string[],
  remote: readonly string[],
): string[] {
  const regions: Region[] = diff3Merge(mark(remote), mark(prev), mark(local), {
    excludeFalseConflicts: true,
  });
  return regions
    .flatMap(({ ok, conflict }) => ok ?? [...(conflict?.a ?? []), ...(conflict?.b ?? [])])
    .map((item) => item.slice(1));
}

/** The library looks items up in plain objects, where a bare `constructor` would be found. */
function mark(items: readonly string[]): string[] {
  return items.map((item) => `:${item}`);
}
