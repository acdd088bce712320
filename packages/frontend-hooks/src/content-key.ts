/**
 * One string that is equal for options of equal content, so that they may be written inline. Functions and schemas
 * count by their presence: a new closure on every render is not a new store. `undefined` and `false` mean "not given".
 */
export function contentKey(options: object): string {
  const given = Object.entries(options)
    .filter(([, value]) => value !== undefined && value !== false)
    .sort(([a], [b]) => (a < b ? -1 : 1));
  return JSON.stringify(given, (_, value: unknown) => (isByPresence(value) ? "ƒ" : value));
}

function isByPresence(value: unknown): boolean {
  if (typeof value === "function") return true;
  if (typeof value !== "object" || value === null || Array.isArray(value)) return false;
  const prototype = Object.getPrototypeOf(value);
  return "~standard" in value || (prototype !== Object.prototype && prototype !== null);
}
