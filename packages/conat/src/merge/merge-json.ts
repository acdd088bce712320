import type { MergeArguments } from "../dkv/dkv-options.ts";
import { identityOf } from "./identity.ts";
import { mergeSequences } from "./merge-sequences.ts";

/**
 * Merges two edits of a JSON value: objects field by field, all the way down; arrays as sequences, keeping what both
 * sides inserted; of anything else the side that changed it wins, the local one when both did. A change wins over a
 * delete.
 */
export function mergeJson<T>({ prev, local, remote }: MergeArguments<T>): T | undefined {
  return mergeValues(prev, local, remote) as T | undefined;
}

function mergeValues(prev: unknown, local: unknown, remote: unknown): unknown {
  const before = identityOf(prev);
  const ours = identityOf(local);
  const theirs = identityOf(remote);
  if (ours === theirs || theirs === before) return local;
  if (ours === before) return remote;
  if (local === undefined) return remote;
  if (remote === undefined) return local;
  if (isPlainObject(local) && isPlainObject(remote)) {
    return mergeObjects(isPlainObject(prev) ? prev : {}, local, remote);
  }
  if (Array.isArray(local) && Array.isArray(remote)) {
    return mergeArrays(Array.isArray(prev) ? prev : [], local, remote);
  }
  return local;
}

type PlainObject = Readonly<Record<string, unknown>>;

function isPlainObject(value: unknown): value is PlainObject {
  if (typeof value !== "object" || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

function mergeObjects(prev: PlainObject, local: PlainObject, remote: PlainObject): PlainObject {
  const names = new Set([...Object.keys(remote), ...Object.keys(local)]);
  const fields: [string, unknown][] = [];
  for (const name of names) {
    const merged = mergeValues(own(prev, name), own(local, name), own(remote, name));
    if (merged !== undefined) fields.push([name, merged]);
  }
  return Object.fromEntries(fields);
}

/** An object's own field: `toString` and `__proto__` are names like any other. */
function own(object: PlainObject, name: string): unknown {
  return Object.hasOwn(object, name) ? Reflect.get(object, name) : undefined;
}

function mergeArrays(prev: unknown[], local: unknown[], remote: unknown[]): unknown[] {
  const members = new Map<string, unknown>();
  const identities = (values: unknown[]): string[] =>
    values.map((value) => {
      const identity = identityOf(value);
      members.set(identity, value);
      return identity;
    });
  const [before, ours, theirs] = [identities(prev), identities(local), identities(remote)];
  return mergeSequences(before, ours, theirs).map((identity) => members.get(identity));
}
