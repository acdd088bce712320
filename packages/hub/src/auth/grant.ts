import { ConatError, toConatError } from "@conat/conat/internal";
import * as v from "valibot";
import {
  accountIdentity,
  hubIdentity,
  type Identity,
  type IdentityFields,
  PROJECT_ROLES,
  projectIdentity,
} from "../scope/identity.ts";

/** What an authenticator has found out: who somebody is, and for how long. */
export interface Grant {
  readonly identity: Identity;
  /** Server time at which it ends, in milliseconds since the epoch; `undefined` for never. */
  readonly expiresAt: number | undefined;
  /** The earliest time at which it can have been given, in milliseconds since the epoch: older than a revocation, it is revoked. */
  readonly issuedAt: number;
  /** Name of the token, to revoke it by. */
  readonly jti: string | undefined;
  /** How it can be renewed: by another token over the same connection, or only by connecting again, as with a cookie. */
  readonly renewal: "token" | "reconnect";
}

/** How far the clock of whoever issues tokens may be off, in milliseconds. */
export const CLOCK_TOLERANCE_MS = 5_000;

/** Longest life of a token by default, in milliseconds: 14 days. A revocation is remembered as long. */
export const DEFAULT_MAX_TOKEN_LIFETIME_MS = 1_209_600_000;

const id = v.pipe(v.string(), v.minLength(1));
const seconds = v.pipe(v.number(), v.finite(), v.minValue(0));

const claimsSchema = v.looseObject({
  account_id: v.optional(id),
  project_id: v.optional(id),
  hub: v.optional(v.literal(true)),
  projects: v.optional(v.union([v.array(id), v.record(id, v.picklist(PROJECT_ROLES))])),
  sub: v.optional(id),
  jti: v.optional(id),
  exp: v.optional(seconds),
  iat: v.optional(seconds),
});

/**
 * What is claimed of somebody, as in the claims of a JWT: exactly one of `account_id`, `project_id` and `hub: true`
 * (`sub` stands for `account_id` where none is given); an account's `projects` as ids, which means editor, or as ids
 * with roles; `exp` and `iat` in seconds; `jti`. Other plain values are for rules.
 */
export type Claims = v.InferInput<typeof claimsSchema>;

const KNOWN = new Set([...Object.keys(claimsSchema.entries), "iss", "aud", "nbf"]);

/**
 * The grant that verified claims stand for.
 * @throws ConatError `unauthenticated` when they name nobody, or more than one.
 */
export function toGrant(claims: unknown, renewal: Grant["renewal"] = "token"): Grant {
  const parsed = v.safeParse(claimsSchema, claims);
  if (!parsed.success) {
    const [issue] = parsed.issues;
    const where = v.getDotPath(issue) ?? "the claims";
    throw new ConatError(
      "unauthenticated",
      `the claims are not understood: ${where}: ${issue.message}`,
    );
  }
  const { exp, iat, jti } = parsed.output;
  return {
    identity: identify(parsed.output),
    expiresAt: exp === undefined ? undefined : exp * 1_000,
    issuedAt: iat === undefined ? 0 : iat * 1_000 - CLOCK_TOLERANCE_MS,
    jti,
    renewal,
  };
}

/** A grant without end, from an authenticator that decides anew at every connection. */
export function endlessGrant(identity: Identity): Grant {
  return { identity, expiresAt: undefined, issuedAt: Date.now(), jti: undefined, renewal: "token" };
}

function identify(claims: v.InferOutput<typeof claimsSchema>): Identity {
  const { project_id, hub, projects, sub } = claims;
  const account_id =
    claims.account_id ?? (project_id === undefined && hub === undefined ? sub : undefined);
  const named = [account_id, project_id, hub].filter((one) => one !== undefined);
  if (named.length !== 1) {
    throw new ConatError(
      "unauthenticated",
      "the claims must name exactly one of account_id, project_id and hub",
    );
  }
  if (account_id === undefined && projects !== undefined) {
    throw new ConatError("unauthenticated", "only an account has projects");
  }
  const fields = readFields(claims);
  try {
    if (account_id !== undefined) return accountIdentity(account_id, projects, fields);
    if (project_id !== undefined) return projectIdentity(project_id, fields);
  } catch (error) {
    throw new ConatError("unauthenticated", toConatError(error).message, { cause: error });
  }
  return hubIdentity(fields);
}

function readFields(claims: Readonly<Record<string, unknown>>): IdentityFields {
  const fields = new Map<string, string | number | boolean>();
  for (const [name, value] of Object.entries(claims)) {
    if (KNOWN.has(name)) continue;
    if (typeof value === "string" || typeof value === "number" || typeof value === "boolean") {
      fields.set(name, value);
    }
  }
  return fields;
}
