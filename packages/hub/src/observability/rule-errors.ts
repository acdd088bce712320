import type { Logger } from "pino";
import type { Rule } from "../rules/rule.ts";
import { TokenBucket } from "../token-bucket.ts";
import type { Tally } from "./tally.ts";

/** Lines about one rule that throws. A client can have it asked thousands of times a second. */
const MAX_LINES_PER_S = 1;

/** Counts each time that a rule has thrown, and tells of some of them. */
export class RuleErrors {
  readonly #tally: Pick<Tally, "ruleErrors">;
  readonly #logger: Pick<Logger, "warn">;
  readonly #lines = new WeakMap<Rule, TokenBucket>();

  constructor(tally: Pick<Tally, "ruleErrors">, logger: Pick<Logger, "warn">) {
    this.#tally = tally;
    this.#logger = logger;
  }

  note(error: unknown, rule: Rule): void {
    this.#tally.ruleErrors += 1;
    const now = performance.now();
    let lines = this.#lines.get(rule);
    if (lines === undefined) {
      lines = new TokenBucket(MAX_LINES_PER_S, now);
      this.#lines.set(rule, lines);
    }
    if (!lines.isOpen(now)) return;
    lines.spend(1);
    const { text } = rule.pattern;
    this.#logger.warn({ err: error, path: text }, "a rule has thrown and so denied");
  }
}
