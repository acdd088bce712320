import { ConatError } from "./conat-error.ts";
import { MAX_NAME_BYTES, MAX_SCOPE_ID_BYTES } from "./limits.ts";
import { utf8 } from "./utf8.ts";

export type ScopeKind = "account" | "project" | "hub";

/** Who owns data. `id` is "" for the hub scope. */
export interface Scope {
  readonly kind: ScopeKind;
  readonly id: string;
}

/** How an application names a scope: exactly one of the two ids, or `hub: true`. */
export interface ScopeOptions {
  readonly account_id?: string | undefined;
  readonly project_id?: string | undefined;
  /** The scope that only trusted backends write. */
  readonly hub?: boolean | undefined;
}

/** Names one store: everything two participants must agree on to share it. */
export interface StoreRef {
  readonly scope: Scope;
  readonly name: string;
  readonly ephemeral: boolean;
  /** Which hub service keeps the store; "" is the standard one. */
  readonly service: string;
}

/** Names one PubSub channel. `path` is "" when the channel belongs to the whole scope. */
export interface TopicRef {
  readonly scope: Scope;
  readonly path: string;
  readonly name: string;
}

/**
 * The scope that `options` names.
 * @throws ConatError `bad-options` when none or more than one is given, `bad-name` when the id is unusable.
 */
export function parseScope(options: ScopeOptions): Scope {
  // Who writes no types may pass nothing at all.
  const isObject: boolean = typeof options === "object" && options !== null;
  if (!isObject) throw new ConatError("bad-options", "pass an object with options");
  const { account_id, project_id, hub } = options;
  const given = [account_id !== undefined, project_id !== undefined, hub === true].filter(Boolean);
  if (given.length !== 1) {
    throw new ConatError(
      "bad-options",
      "name exactly one scope: account_id, project_id, or hub: true",
    );
  }
  if (account_id !== undefined)
    return { kind: "account", id: parseScopeId("account_id", account_id) };
  if (project_id !== undefined)
    return { kind: "project", id: parseScopeId("project_id", project_id) };
  return { kind: "hub", id: "" };
}

function parseScopeId(what: string, id: unknown): string {
  const parsed = parseName(what, id);
  if (parsed === "") throw new ConatError("bad-name", `${what} is empty`);
  if (utf8Length(parsed) > MAX_SCOPE_ID_BYTES) {
    throw new ConatError("bad-name", `${what} is longer than ${MAX_SCOPE_ID_BYTES} bytes`);
  }
  return parsed;
}

/**
 * `value` when it can name a store or a key: any well-formed string up to 16 kB, the empty one included.
 * @throws ConatError `bad-name`
 */
export function parseName(what: string, value: unknown): string {
  if (typeof value !== "string") {
    throw new ConatError("bad-name", `${what} must be a string, not ${typeof value}`);
  }
  if (
    value.length > MAX_NAME_BYTES ||
    (value.length > MAX_NAME_BYTES / 3 && utf8Length(value) > MAX_NAME_BYTES)
  ) {
    throw new ConatError("bad-name", `${what} is longer than ${MAX_NAME_BYTES} bytes`);
  }
  if (LONE_SURROGATE.test(value)) {
    throw new ConatError(
      "bad-name",
      `${what} is not well-formed Unicode: it has half a surrogate pair`,
    );
  }
  return value;
}

const LONE_SURROGATE = /\p{Surrogate}/u;

function utf8Length(text: string): number {
  return utf8.encode(text).length;
}

/** One string that is equal for equal scopes and different for different ones; for maps and messages to people. */
export function scopeKey(scope: Scope): string {
  return scope.kind === "hub" ? "hub" : `${scope.kind}/${scope.id}`;
}

/** One string that is equal for equal stores and different for different ones. */
export function storeKey(ref: StoreRef): string {
  return JSON.stringify([ref.scope.kind, ref.scope.id, ref.ephemeral, ref.service, ref.name]);
}

/** One string that is equal for equal channels and different for different ones. */
export function topicKey(ref: TopicRef): string {
  return JSON.stringify([ref.scope.kind, ref.scope.id, ref.path, ref.name]);
}
