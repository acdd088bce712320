import { ConatError } from "@conat/conat/internal";
import { LRUCache } from "lru-cache";
import type { ProjectGrants } from "../scope/identity.ts";

/** Tells which projects an account may reach; instead of the claim in its token. */
export type ProjectsOf = (account_id: string) => ProjectGrants | Promise<ProjectGrants>;

/** How long an answer is believed, in milliseconds. Connected accounts are asked for again as often. */
export const DEFAULT_PROJECTS_TTL_MS = 60_000;

/** Accounts whose answers are kept. */
const MAX_ACCOUNTS = 10_000;

/** Answers of a {@link ProjectsOf}: asked once for each account within a time, however many connect. */
export class ProjectLookup {
  readonly #answers: LRUCache<string, Promise<ProjectGrants>>;
  readonly #lookup: ProjectsOf;

  constructor(lookup: ProjectsOf, ttlMs: number) {
    this.#lookup = lookup;
    this.#answers = new LRUCache({ max: MAX_ACCOUNTS, ttl: ttlMs });
  }

  /** @throws ConatError `unavailable` when there is no answer now, or what the lookup throws by name */
  async of(account_id: string): Promise<ProjectGrants> {
    const known = this.#answers.get(account_id);
    if (known) return known;
    const answer = this.#ask(account_id);
    this.#answers.set(account_id, answer);
    try {
      return await answer;
    } catch (error) {
      if (this.#answers.peek(account_id) === answer) this.#answers.delete(account_id);
      throw error;
    }
  }

  forget(account_id: string): void {
    this.#answers.delete(account_id);
  }

  async #ask(account_id: string): Promise<ProjectGrants> {
    try {
      return await this.#lookup(account_id);
    } catch (error) {
      if (error instanceof ConatError) throw error;
      // What went wrong there is not for clients.
      throw new ConatError(
        "unavailable",
        "the projects of the account cannot be had now: try again",
        {
          cause: error,
        },
      );
    }
  }
}
