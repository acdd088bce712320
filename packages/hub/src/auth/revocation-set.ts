import { ConatError } from "@conat/conat/internal";
import * as v from "valibot";
import { describeIdentity, withProjects } from "../scope/identity.ts";
import type { Grant } from "./grant.ts";

const id = v.pipe(v.string(), v.minLength(1));
const targetSchema = v.union([
  v.strictObject({ jti: id }),
  v.strictObject({ account_id: id, project_id: id }),
  v.strictObject({ account_id: id }),
  v.strictObject({ project_id: id }),
]);

/**
 * What is revoked: one token; all that an account has been given so far; all that a project's backend has; or, with
 * both ids, the account's place in the project. What is given later counts again.
 */
export type RevocationTarget = v.InferOutput<typeof targetSchema>;

const noticeSchema = v.union([
  v.strictObject({ type: v.literal("revoked"), target: targetSchema, at: v.number() }),
  v.strictObject({ type: v.literal("projects"), account_id: id, at: v.number() }),
]);

/**
 * What hubs tell each other. `revoked`: what was given to the target up to `at` (server time in ms) is void.
 * `projects`: the account's projects have changed, ask again.
 */
export type Notice = v.InferOutput<typeof noticeSchema>;

/** @throws ConatError `bad-options` */
export function parseTarget(target: unknown): RevocationTarget {
  const parsed = v.safeParse(targetSchema, target);
  if (parsed.success) return parsed.output;
  throw new ConatError(
    "bad-options",
    "name a jti, an account_id, a project_id, or both ids to revoke",
  );
}

export function parseNotice(value: unknown): Notice | undefined {
  const parsed = v.safeParse(noticeSchema, value);
  return parsed.success ? parsed.output : undefined;
}

/** The name that a notice is stored under: a later one about the same takes its place. */
export function noticeKey(notice: Notice): string {
  return notice.type === "revoked"
    ? JSON.stringify(["revoked", ...parts(notice.target)])
    : JSON.stringify(["projects", notice.account_id]);
}

function parts(target: RevocationTarget): string[] {
  if ("jti" in target) return ["jti", target.jti];
  if (!("account_id" in target)) return ["project", target.project_id];
  return "project_id" in target
    ? ["member", target.account_id, target.project_id]
    : ["account", target.account_id];
}

/** The revocations that are in force. Pure: no clock, no network. */
export class RevocationSet {
  /** Since when, by name of the target. */
  readonly #revokedAt = new Map<string, number>();

  get size(): number {
    return this.#revokedAt.size;
  }

  add(target: RevocationTarget, at: number): void {
    this.#revokedAt.set(nameOf(target), at);
  }

  remove(target: RevocationTarget): void {
    this.#revokedAt.delete(nameOf(target));
  }

  clear(): void {
    this.#revokedAt.clear();
  }

  /**
   * The grant with what is left of its rights: itself when nothing is gone.
   * @throws ConatError `revoked` when nothing is left
   */
  judge(grant: Grant): Grant {
    if (this.#revokedAt.size === 0) return grant;
    const { identity, jti, issuedAt } = grant;
    const isVoid = (target: RevocationTarget): boolean =>
      issuedAt <= (this.#revokedAt.get(nameOf(target)) ?? Number.NEGATIVE_INFINITY);
    if (jti !== undefined && this.#revokedAt.has(nameOf({ jti }))) throw revoked(grant);
    if (identity.kind === "project" && isVoid({ project_id: identity.project_id })) {
      throw revoked(grant);
    }
    if (identity.kind !== "account") return grant;
    const { account_id, projects } = identity;
    if (isVoid({ account_id })) throw revoked(grant);
    const left = [...projects].filter(([project_id]) => !isVoid({ account_id, project_id }));
    if (left.length === projects.size) return grant;
    return { ...grant, identity: withProjects(identity, Object.fromEntries(left)) };
  }
}

function nameOf(target: RevocationTarget): string {
  return JSON.stringify(parts(target));
}

function revoked({ identity }: Grant): ConatError {
  return new ConatError(
    "revoked",
    `what ${describeIdentity(identity)} was given is revoked: sign in again`,
  );
}
