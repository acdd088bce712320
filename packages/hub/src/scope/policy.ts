import type { Scope } from "@conat/conat/internal";
import type { Identity } from "./identity.ts";

/**
 * What somebody wants to do. `read`, `write` and `destroy` concern one store, `list` all stores of a scope; `subscribe`
 * and `publish` concern topics.
 */
export const OPERATIONS = ["read", "write", "list", "destroy", "subscribe", "publish"] as const;
export type Operation = (typeof OPERATIONS)[number];

/** The store of the hub's scope that everybody who is signed in may read. */
export const PUBLIC_STORE = "public";

/**
 * Whether `identity` may do `operation` on the store or topic called `name` in `scope`; `list` concerns no name. Everything
 * that is not allowed here is denied.
 */
export function isAllowed(
  identity: Identity,
  operation: Operation,
  scope: Scope,
  name: string,
): boolean {
  switch (identity.kind) {
    case "hub":
      return true;
    case "account":
      return (
        (scope.kind === "account" && scope.id === identity.account_id) ||
        (scope.kind === "project" && identity.projects.has(scope.id)) ||
        isPublicRead(operation, scope, name)
      );
    case "project":
      return (
        (scope.kind === "project" && scope.id === identity.project_id) ||
        isPublicRead(operation, scope, name)
      );
  }
}

function isPublicRead(operation: Operation, scope: Scope, name: string): boolean {
  return operation === "read" && scope.kind === "hub" && scope.id === "" && name === PUBLIC_STORE;
}
