import type { Scope } from "@conat/conat/internal";
import type { Identity } from "./identity.ts";

/**
 * What somebody wants to do. `read` and `write` concern one store, `list` and `destroy` a scope's stores; `subscribe`
 * and `publish` concern topics, `request` a service behind one.
 */
export const OPERATIONS = [
  "read",
  "write",
  "list",
  "destroy",
  "subscribe",
  "publish",
  "request",
] as const;
export type Operation = (typeof OPERATIONS)[number];

/** What an identity is to a scope. `self`: the scope is its own. `stranger`: nothing. */
export const ROLES = ["hub", "self", "owner", "editor", "viewer", "stranger"] as const;
export type Role = (typeof ROLES)[number];

/** The store of the hub's scope that everybody who is signed in may read. */
export const PUBLIC_STORE = "public";

const EVERYTHING: ReadonlySet<Operation> = new Set(OPERATIONS);
const NOTHING: ReadonlySet<Operation> = new Set();

/** `packages/hub/SPEC.md` holds the same table; a test compares them cell by cell. */
const ALLOWED: Readonly<Record<Role, ReadonlySet<Operation>>> = {
  hub: EVERYTHING,
  self: EVERYTHING,
  owner: EVERYTHING,
  editor: new Set<Operation>(["read", "write", "list", "subscribe", "publish", "request"]),
  viewer: new Set<Operation>(["read", "list", "subscribe"]),
  stranger: NOTHING,
};

/** What `identity` is to `scope`. */
export function roleIn(identity: Identity, scope: Scope): Role {
  switch (identity.kind) {
    case "hub":
      return "hub";
    case "account":
      if (scope.kind === "account" && scope.id === identity.account_id) return "self";
      return (scope.kind === "project" && identity.projects.get(scope.id)) || "stranger";
    case "project":
      return scope.kind === "project" && scope.id === identity.project_id ? "self" : "stranger";
  }
}

/**
 * Whether `identity` may do `operation` on the store or topic called `name` in `scope`. Everything that is not
 * allowed here is denied.
 */
export function isAllowed(
  identity: Identity,
  operation: Operation,
  scope: Scope,
  name: string,
): boolean {
  return ALLOWED[roleIn(identity, scope)].has(operation) || isPublicRead(operation, scope, name);
}

function isPublicRead(operation: Operation, scope: Scope, name: string): boolean {
  return operation === "read" && scope.kind === "hub" && scope.id === "" && name === PUBLIC_STORE;
}
