import type { MergeArguments } from "../dkv/dkv-options.ts";
import { identityOf } from "./identity.ts";
import { mergeSequences, type ResolvePlace } from "./merge-sequences.ts";
import { type Edit, editsOf, isOneSided } from "./piece.ts";

/**
 * Merges two edits of a JSON value: objects field by field, all the way down; arrays as sequences, keeping what both
 * sides inserted, with an object or array that both have edited merged in its place; of anything else the side that
 * changed it wins, the local one when both did. A change wins over a delete.
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
  const resolve: ResolvePlace = (place) => {
    const edits = editsOf(place);
    const valuesOf = (edit: Edit): unknown[] => edit.map((identity) => members.get(identity));
    // What both have made out of something that cannot be merged is kept twice, like what both have inserted.
    const isMergeable = edits?.every((edit) => isOneSided(edit) || areAlike(valuesOf(edit)));
    if (edits === undefined || !isMergeable) return [...place.remote, ...place.local];
    return identities(
      edits.map((edit) => {
        const [was, mine, stored] = valuesOf(edit);
        return mergeValues(was, mine, stored);
      }),
    );
  };
  return mergeSequences(before, ours, theirs, resolve).map((identity) => members.get(identity));
}

/** All are objects, or all are arrays: what is inside can be merged. */
function areAlike(versions: readonly unknown[]): boolean {
  return versions.every(isPlainObject) || versions.every(Array.isArray);
}
