import type { Piece } from "./piece.ts";

/** Names for the items of a sequence, each at most once; `undefined` where an item has none. */
export type Naming = (items: readonly string[]) => (string | undefined)[];

/** Items that occur once. */
export const nameUnique: Naming = (items) => {
  const counts = new Map<string, number>();
  for (const item of items) counts.set(item, (counts.get(item) ?? 0) + 1);
  return items.map((item) => (counts.get(item) === 1 ? item : undefined));
};

/** Every item, by how often it has come before. */
export const nameOccurrences: Naming = (items) => {
  const counts = new Map<string, number>();
  return items.map((item) => {
    const count = (counts.get(item) ?? 0) + 1;
    counts.set(item, count);
    return `${count}:${item}`;
  });
};

interface Anchor {
  readonly prev: number;
  readonly local: number;
  readonly remote: number;
}

/** Cuts a piece before each item that has a name in all three versions, where these items are in the same order. */
export function cutAtAnchors(piece: Piece, naming: Naming): Piece[] {
  const pieces: Piece[] = [];
  let from: Anchor = { prev: 0, local: 0, remote: 0 };
  const cut = (to: Anchor): void => {
    pieces.push({
      prev: piece.prev.slice(from.prev, to.prev),
      local: piece.local.slice(from.local, to.local),
      remote: piece.remote.slice(from.remote, to.remote),
    });
    from = to;
  };
  for (const anchor of findAnchors(piece, naming)) {
    cut(anchor);
    cut({ prev: anchor.prev + 1, local: anchor.local + 1, remote: anchor.remote + 1 });
  }
  const { prev, local, remote } = piece;
  cut({ prev: prev.length, local: local.length, remote: remote.length });
  return pieces;
}

function findAnchors({ prev, local, remote }: Piece, naming: Naming): Anchor[] {
  const [inLocal, inRemote] = [positions(naming(local)), positions(naming(remote))];
  const shared: Anchor[] = [];
  for (const [at, name] of naming(prev).entries()) {
    if (name === undefined) continue;
    const [ours, theirs] = [inLocal.get(name), inRemote.get(name)];
    if (ours !== undefined && theirs !== undefined) {
      shared.push({ prev: at, local: ours, remote: theirs });
    }
  }
  const inOrder = longestRise(shared, (anchor) => anchor.local);
  return longestRise(inOrder, (anchor) => anchor.remote);
}

function positions(names: readonly (string | undefined)[]): Map<string, number> {
  const found = new Map<string, number>();
  for (const [at, name] of names.entries()) if (name !== undefined) found.set(name, at);
  return found;
}

/** The longest part of the items, in their order, in which `placeOf` rises: patience sorting, n log n. */
function longestRise<Item>(items: readonly Item[], placeOf: (item: Item) => number): Item[] {
  interface Link {
    readonly item: Item;
    readonly before: Link | undefined;
  }
  /** At n: the chain of n + 1 items that ends at the lowest place. */
  const tops: Link[] = [];
  for (const item of items) {
    let [low, high] = [0, tops.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      const top = tops[middle];
      if (top !== undefined && placeOf(top.item) < placeOf(item)) low = middle + 1;
      else high = middle;
    }
    tops[low] = { item, before: tops[low - 1] };
  }
  const chain: Item[] = [];
  for (let link = tops.at(-1); link !== undefined; link = link.before) chain.push(link.item);
  return chain.reverse();
}
