import { createHash } from "node:crypto";
import { parseScope } from "@conat/conat/internal";

declare const brand: unique symbol;

/** What a member may do in a project: look; change things; decide about the project's data as a whole. */
export const PROJECT_ROLES = ["viewer", "editor", "owner"] as const;
export type ProjectRole = (typeof PROJECT_ROLES)[number];

/** Ids of projects, each with editor's rights, or ids with their roles. */
export type ProjectGrants = Iterable<string> | Readonly<Record<string, ProjectRole>>;

/** Further things that are known of somebody, such as a user name; only rules look at them. */
export type IdentityFields = ReadonlyMap<string, string | number | boolean>;

/** Who somebody is, as an authenticator has found out. Only `auth/` makes one. */
export type Identity = (AccountIdentity | ProjectIdentity | HubIdentity) & {
  readonly fields: IdentityFields;
  readonly [brand]: "identity";
};

export interface AccountIdentity {
  readonly kind: "account";
  readonly account_id: string;
  /** Projects the account may reach beside its own scope. */
  readonly projects: ReadonlyMap<string, ProjectRole>;
}

export interface ProjectIdentity {
  readonly kind: "project";
  readonly project_id: string;
}

/** A trusted backend: it may do everything. */
export interface HubIdentity {
  readonly kind: "hub";
}

const NO_FIELDS: IdentityFields = new Map();

/**
 * @param projects a bare list means the role `editor`
 * @throws ConatError `bad-name` when an id cannot name a scope.
 */
export function accountIdentity(
  account_id: string,
  projects: ProjectGrants = [],
  fields: IdentityFields = NO_FIELDS,
): Identity {
  const id = parseScope({ account_id }).id;
  const identity: AccountIdentity & { fields: IdentityFields } = {
    kind: "account",
    account_id: id,
    projects: toRoles(projects),
    fields,
  };
  return identity as Identity;
}

/** @throws ConatError `bad-name` when the id cannot name a scope. */
export function projectIdentity(project_id: string, fields: IdentityFields = NO_FIELDS): Identity {
  return { kind: "project", project_id: parseScope({ project_id }).id, fields } as Identity;
}

export function hubIdentity(fields: IdentityFields = NO_FIELDS): Identity {
  return { kind: "hub", fields } as Identity;
}

/** The same principal with other projects; an identity that is no account stays as it is. */
export function withProjects(identity: Identity, projects: ProjectGrants): Identity {
  return identity.kind === "account"
    ? accountIdentity(identity.account_id, projects, identity.fields)
    : identity;
}

function toRoles(projects: ProjectGrants): ReadonlyMap<string, ProjectRole> {
  const pairs: Iterable<readonly [string, ProjectRole]> =
    Symbol.iterator in projects
      ? Array.from(projects as Iterable<string>, (id): [string, ProjectRole] => [id, "editor"])
      : Object.entries(projects);
  return new Map(
    Array.from(pairs, ([project_id, role]) => [parseScope({ project_id }).id, role] as const),
  );
}

/** The identity in one line, for logs and messages. */
export function describeIdentity(identity: Identity): string {
  switch (identity.kind) {
    case "account":
      return `account ${identity.account_id}`;
    case "project":
      return `project ${identity.project_id}`;
    case "hub":
      return "the hub";
  }
}

/** 96 bits: nobody finds two principals with one tag. */
const TAG_BYTES = 12;

/**
 * A short name of the principal in subjects' headers. It is part of every message id, which a stream checks across all
 * of its writers: without it one tenant's id could shadow another tenant's write.
 */
export function principalTag(identity: Identity): string {
  return createHash("sha256")
    .update(describeIdentity(identity))
    .digest()
    .toString("base64url", 0, TAG_BYTES);
}
