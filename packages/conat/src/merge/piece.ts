/** The same stretch of the three versions of a sequence. */
export interface Piece {
  readonly prev: readonly string[];
  readonly local: readonly string[];
  readonly remote: readonly string[];
}

/** One item before, on the local side, and as it is stored. */
export type Edit = readonly [prev: string, local: string, remote: string];

/** The items of a piece place by place; `undefined` where there are not as many in all versions. */
export function editsOf({ prev, local, remote }: Piece): Edit[] | undefined {
  if (local.length !== prev.length || remote.length !== prev.length) return undefined;
  return prev.map((was, at) => [was, local[at] ?? was, remote[at] ?? was]);
}

/** At most one side has changed the item, or both have in the same way. */
export function isOneSided([was, mine, stored]: Edit): boolean {
  return was === mine || was === stored || mine === stored;
}
