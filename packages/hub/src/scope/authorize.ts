import {
  ConatError,
  parseName,
  type Scope,
  type StoreRef,
  scopeKey,
  type TopicRef,
} from "@conat/conat/internal";
import { describeIdentity, type Identity } from "./identity.ts";
import { isAllowed, type Operation } from "./policy.ts";

declare const brand: unique symbol;

/** A reference that somebody was allowed to use. Nothing is shared between readers without one. */
export type Authorized<Ref> = Ref & { readonly [brand]: "authorized" };

/**
 * @throws ConatError `forbidden` when the policy denies it, `bad-name` when the name is unusable, `bad-options`
 * for a service this hub does not have.
 */
export function authorizeStore(
  identity: Identity,
  operation: "read" | "write" | "destroy",
  ref: StoreRef,
): Authorized<StoreRef> {
  check(identity, operation, ref.scope, ref.name);
  parseName("a store's name", ref.name);
  if (ref.service !== "") {
    throw new ConatError(
      "bad-options",
      `no service called ${JSON.stringify(ref.service)} keeps stores here: leave out "service"`,
    );
  }
  return ref as Authorized<StoreRef>;
}

/** @throws ConatError `forbidden` when the policy denies it. */
export function authorizeScope(
  identity: Identity,
  operation: "list",
  scope: Scope,
): Authorized<Scope> {
  check(identity, operation, scope, "");
  return scope as Authorized<Scope>;
}

/** @throws ConatError `forbidden` when the policy denies it, `bad-name` when the name or path is unusable. */
export function authorizeTopic(
  identity: Identity,
  operation: "subscribe" | "publish",
  ref: TopicRef,
): Authorized<TopicRef> {
  check(identity, operation, ref.scope, ref.name);
  parseName("a topic's name", ref.name);
  parseName("a topic's path", ref.path);
  return ref as Authorized<TopicRef>;
}

function check(identity: Identity, operation: Operation, scope: Scope, name: string): void {
  if (isAllowed(identity, operation, scope, name)) return;
  throw new ConatError(
    "forbidden",
    `${describeIdentity(identity)} may not ${operation} in scope ${scopeKey(scope)}`,
  );
}
