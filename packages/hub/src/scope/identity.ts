import { createHash } from "node:crypto";
import { parseScope } from "@conat/conat/internal";

declare const brand: unique symbol;

/** Who somebody is, as an authenticator has found out. Only `auth/` makes one. */
export type Identity = (AccountIdentity | ProjectIdentity | HubIdentity) & {
  readonly [brand]: "identity";
};

export interface AccountIdentity {
  readonly kind: "account";
  readonly account_id: string;
  /** Projects the account may reach beside its own scope. */
  readonly projects: ReadonlySet<string>;
}

export interface ProjectIdentity {
  readonly kind: "project";
  readonly project_id: string;
}

/** A trusted backend: it may do everything. */
export interface HubIdentity {
  readonly kind: "hub";
}

/** @throws ConatError `bad-name` when an id cannot name a scope. */
export function accountIdentity(account_id: string, projects: Iterable<string> = []): Identity {
  const known = new Set<string>();
  for (const project_id of projects) known.add(parseScope({ project_id }).id);
  const id = parseScope({ account_id }).id;
  const identity: AccountIdentity = { kind: "account", account_id: id, projects: known };
  return identity as Identity;
}

/** @throws ConatError `bad-name` when the id cannot name a scope. */
export function projectIdentity(project_id: string): Identity {
  return { kind: "project", project_id: parseScope({ project_id }).id } as Identity;
}

export function hubIdentity(): Identity {
  return { kind: "hub" } as Identity;
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
const TAG_LENGTH = 16;

/**
 * A short name of the principal in subjects' headers. It is part of every message id, which a stream checks across all
 * of its writers: without it one tenant's id could shadow another tenant's write.
 */
export function principalTag(identity: Identity): string {
  return createHash("sha256")
    .update(describeIdentity(identity))
    .digest("base64url")
    .slice(0, TAG_LENGTH);
}
