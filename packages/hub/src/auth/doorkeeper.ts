import { ConatError } from "@conat/conat/internal";
import { withProjects } from "../scope/identity.ts";
import type { Authenticator, HandshakeRequest } from "./authenticator.ts";
import { endlessGrant, type Grant } from "./grant.ts";
import type { ProjectLookup } from "./project-lookup.ts";
import type { Notice, RevocationSet } from "./revocation-set.ts";

export interface DoorkeeperOptions {
  readonly authenticator: Authenticator;
  /** Replaces the projects that an account's token names. */
  readonly projects: ProjectLookup | undefined;
  readonly revocations: RevocationSet;
}

/** How often an answer may be overtaken by news before somebody is asked to come again. */
const MAX_OVERTAKEN = 5;

/** Decides who comes in, and with what rights: everything that is known of somebody comes together here. */
export class Doorkeeper {
  readonly #options: DoorkeeperOptions;
  /** Counts news of projects: an answer that was asked for earlier may be of yesterday. */
  #news = 0;
  readonly #askedAt = new WeakMap<Grant, number>();

  constructor(options: DoorkeeperOptions) {
    this.#options = options;
  }

  /** @throws ConatError `unauthenticated`, `revoked`, or `unavailable` when it cannot be told now */
  async admit(request: HandshakeRequest): Promise<Grant> {
    const found = await this.#options.authenticator.authenticate(request);
    const grant = "identity" in found ? found : endlessGrant(found);
    if (grant.expiresAt !== undefined && grant.expiresAt <= Date.now()) {
      throw new ConatError("unauthenticated", "the token has expired: show a new one");
    }
    this.judge(grant);
    return this.review(grant);
  }

  /** The grant with the projects that go with it now. Revocations are not taken off: see {@link judge}. */
  async review(grant: Grant): Promise<Grant> {
    const { identity } = grant;
    const { projects } = this.#options;
    if (projects === undefined || identity.kind !== "account") return grant;
    for (let attempt = 0; attempt < MAX_OVERTAKEN; attempt += 1) {
      const asked = this.#news;
      const known = await projects.of(identity.account_id);
      if (asked !== this.#news) continue;
      const reviewed = { ...grant, identity: withProjects(identity, known) };
      this.#askedAt.set(reviewed, asked);
      return reviewed;
    }
    throw new ConatError("unavailable", "the account's projects change too fast: try again");
  }

  /**
   * What is left of a grant now.
   * @throws ConatError `revoked` when nothing is, `unavailable` when the grant is of yesterday
   */
  judge(grant: Grant): Grant {
    return this.#options.revocations.judge(grant);
  }

  /** Whether what {@link review} found has been overtaken by news since. */
  isOutdated(grant: Grant): boolean {
    return (this.#askedAt.get(grant) ?? this.#news) !== this.#news;
  }

  /** Takes note of what another hub, or this one, has told all. */
  note(notice: Notice, isGone: boolean): void {
    const { revocations, projects } = this.#options;
    if (notice.type === "projects") {
      if (isGone) return;
      this.#news += 1;
      projects?.forget(notice.account_id);
    } else if (isGone) revocations.remove(notice.target);
    else revocations.add(notice.target, notice.at);
  }

  /** Forgets all notices; those in force are noted again. */
  forgetNotices(): void {
    this.#options.revocations.clear();
    this.#news += 1;
  }
}
