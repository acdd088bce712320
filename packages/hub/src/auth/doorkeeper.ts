import { ConatError } from "@conat/conat/internal";
import { withProjects } from "../scope/identity.ts";
import type { Authenticator, HandshakeRequest } from "./authenticator.ts";
import { endlessGrant, type Grant } from "./grant.ts";
import type { ProjectLookup } from "./project-lookup.ts";

export interface DoorkeeperOptions {
  readonly authenticator: Authenticator;
  /** Replaces the projects that an account's token names. */
  readonly projects: ProjectLookup | undefined;
}

/** Decides who comes in, and with what rights: everything that is known of somebody comes together here. */
export class Doorkeeper {
  readonly #options: DoorkeeperOptions;

  constructor(options: DoorkeeperOptions) {
    this.#options = options;
  }

  /** @throws ConatError `unauthenticated`, or `unavailable` when it cannot be told now */
  async admit(request: HandshakeRequest): Promise<Grant> {
    const found = await this.#options.authenticator.authenticate(request);
    const grant = "identity" in found ? found : endlessGrant(found);
    if (grant.expiresAt !== undefined && grant.expiresAt <= Date.now()) {
      throw new ConatError("unauthenticated", "the token has expired: show a new one");
    }
    return this.review(grant);
  }

  /** The grant with the rights that go with it now. */
  async review(grant: Grant): Promise<Grant> {
    const { identity } = grant;
    const { projects } = this.#options;
    if (projects === undefined || identity.kind !== "account") return grant;
    const known = await projects.of(identity.account_id);
    return { ...grant, identity: withProjects(identity, known) };
  }
}
