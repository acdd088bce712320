/**
 * Places in a list that can always be divided: between any two keys there is another one, so that a move writes the
 * card that moves and no other. Keys are compared as strings.
 */
const DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const BASE = DIGITS.length;

/** Digits of chance at the end of a key: two people who move cards to the same gap rarely get the same place. */
const CHANCE_DIGITS = 3;

/**
 * A key that sorts after `before` and before `after`; `undefined` is the end of the list on that side. Keys that were
 * not made here, or stand in the wrong order, count as that end.
 * @param random a number in [0, 1)
 */
export function orderKeyBetween(
  before: string | undefined,
  after: string | undefined,
  random: () => number = Math.random,
): string {
  const low = isOrderKey(before) ? before : "";
  const high = isOrderKey(after) && after > low ? after : undefined;
  let key = between(low, high);
  for (let count = 0; count < CHANCE_DIGITS; count += 1) {
    key += DIGITS[1 + Math.floor(random() * (BASE - 1))];
  }
  return key;
}

/** Sorts by key, and those that have the same one by id, so that everybody sees the same order. */
export function compareOrder(
  a: { readonly id: string; readonly order: string },
  b: { readonly id: string; readonly order: string },
): number {
  return compare(a.order, b.order) || compare(a.id, b.id);
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** A last digit 0 would leave no room before the key. */
function isOrderKey(key: string | undefined): key is string {
  return key !== undefined && /^[0-9A-Za-z]*[1-9A-Za-z]$/.test(key);
}

/** A prefix such that whatever digits follow it, the last not 0, the key stays between the two. */
function between(low: string, high: string | undefined): string {
  let prefix = "";
  let isBelowHigh = high === undefined;
  for (let index = 0; ; index += 1) {
    const floor = index < low.length ? DIGITS.indexOf(low.charAt(index)) : -1;
    const ceiling = isBelowHigh ? BASE : DIGITS.indexOf(high?.charAt(index) ?? "");
    if (ceiling - floor > 1) return prefix + DIGITS[pick(floor, ceiling, low, high)];
    const digit = Math.max(floor, 0);
    if (digit < ceiling) isBelowHigh = true;
    prefix += DIGITS[digit];
  }
}

/** Small steps towards an open end, where lists grow, keep the keys short; elsewhere the middle does. */
function pick(floor: number, ceiling: number, low: string, high: string | undefined): number {
  if (high === undefined && low !== "") return floor + 1;
  if (high !== undefined && low === "") return ceiling - 1;
  return Math.floor((floor + ceiling) / 2);
}
