import type { MergeArguments } from "../dkv/dkv-options.ts";
import { identityOf } from "./identity.ts";

type SetLike = readonly unknown[] | ReadonlySet<unknown>;

/**
 * Merges two edited sets, kept as arrays or as `Set`s: everything that either side has added, without what either has
 * removed. Members are the same when their encodings are equal. The result is of the local side's kind.
 */
export function mergeSet<S extends SetLike>({ prev, local, remote }: MergeArguments<S>): S {
  const before = byIdentity(prev);
  const ours = byIdentity(local);
  const theirs = byIdentity(remote);
  const merged: unknown[] = [];
  for (const [identity, member] of new Map([...theirs, ...ours])) {
    const removed = before.has(identity) && !(ours.has(identity) && theirs.has(identity));
    if (!removed) merged.push(member);
  }
  const isSet = (local ?? remote ?? prev) instanceof Set;
  return (isSet ? new Set(merged) : merged) as unknown as S;
}

function byIdentity(members: SetLike | undefined): Map<string, unknown> {
  return new Map(Array.from(members ?? [], (member) => [identityOf(member), member]));
}
