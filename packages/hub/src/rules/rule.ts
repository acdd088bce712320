import type { Scope } from "@conat/conat/internal";
import type { Identity } from "../scope/identity.ts";
import { roleIn } from "../scope/policy.ts";
import { type Pattern, parsePattern } from "./pattern.ts";

export type Access = "read" | "write";

/** Who asks, as rules see it: `kind`, `role` in the scope, `account_id` or `project_id`, and the token's plain claims. */
export type RuleIdentity = Readonly<Record<string, string | number | boolean>>;

/** What a rule may look at. It is there to be looked at or handed on, not to be copied: that throws. */
export interface RuleContext {
  readonly identity: RuleIdentity;
  /** What `:name` in the path stands for. */
  readonly params: Readonly<Record<string, string>>;
  readonly key: string;
  /** The stored value; of a write the new one, `undefined` when it deletes. Throws when what is written is no value. */
  readonly value: unknown;
  /** Of a write: what is stored now. The write is then stored only if that is still so. */
  readonly prev: unknown;
  /** Of a write: the value of another key of the same scope. A rule for reading cannot ask. */
  get(store: string, key: string): Promise<unknown>;
}

/**
 * Decides, and changes nothing: of one write it may be asked more than once, first without what is stored. One that
 * throws, or is a promise where reading is decided, denies and is reported. */
export type Condition = (context: RuleContext) => boolean | Promise<boolean>;

export interface Rule {
  readonly access: readonly Access[];
  readonly pattern: Pattern;
  readonly condition: Condition | undefined;
  /** Fields of the identity it depends on; `undefined` for any of them. Readers who agree in these share a feed. */
  readonly fields: readonly string[] | undefined;
  /** The condition looks at nothing but who asks and which store it is: one answer holds for every key. */
  readonly isOfStore: boolean;
}

export interface AllowOptions {
  /** Fields of the identity that the condition looks at. @default any of them, so that no two accounts share a feed */
  readonly fields?: readonly string[] | undefined;
}

/**
 * A rule that allows access to keys of stores. A store that any rule's path names is governed by rules alone, within
 * what the role allows: reading and writing then each need a rule that allows it.
 * @throws ConatError `bad-options` for a path that is none
 */
export function allow(
  access: Access | readonly Access[],
  path: string,
  condition?: Condition,
  options: AllowOptions = {},
): Rule {
  const pattern = parsePattern(path);
  const own = condition ? options.fields : [];
  return {
    access: typeof access === "string" ? [access] : access,
    pattern,
    condition,
    fields: own && [...new Set([...pattern.fields, ...own])],
    isOfStore: false,
  };
}

/** Who asks, in the form that rules see. */
export function toRuleIdentity(identity: Identity, scope: Scope): RuleIdentity {
  const own: Record<string, string> = { kind: identity.kind, role: roleIn(identity, scope) };
  if (identity.kind === "account") own.account_id = identity.account_id;
  if (identity.kind === "project") own.project_id = identity.project_id;
  // What we know ourselves is not for a token to say.
  return Object.freeze(
    Object.assign(Object.create(null), Object.fromEntries(identity.fields), own),
  );
}
