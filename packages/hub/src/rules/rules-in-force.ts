import type { Feed, FeedListener, Session, StoreRef } from "@conat/conat/internal";
import { AudienceStores } from "./audience-stores.ts";
import type { Rule } from "./rule.ts";
import { type Audience, RuleBook } from "./rule-book.ts";

export interface RulesInForceOptions {
  /** What audiences get their views of. */
  readonly session: Session;
  readonly rules: readonly Rule[];
  /** A rule has thrown, and so denied. */
  readonly onRuleError: (error: unknown, rule: Rule) => void;
  readonly onListenerError: (error: unknown) => void;
}

/** The rules that are in force now, and the views that they make of stores. */
export class RulesInForce {
  readonly #onRuleError: RulesInForceOptions["onRuleError"];
  readonly #audiences: AudienceStores;
  #book: RuleBook;

  constructor(options: RulesInForceOptions) {
    this.#onRuleError = options.onRuleError;
    this.#audiences = new AudienceStores(options.session, options.onListenerError);
    this.#book = new RuleBook(options.rules, options.onRuleError);
  }

  /** Views that are open: one for each audience of each store. */
  get views(): number {
    return this.#audiences.size;
  }

  book(): RuleBook {
    return this.#book;
  }

  openView(ref: StoreRef, audience: Audience, key: string, listener: FeedListener): Feed {
    return this.#audiences.open(ref, audience, key, listener);
  }

  /** Puts other rules in force; whoever has something open looks at it again. */
  replace(rules: readonly Rule[]): void {
    this.#book = new RuleBook(rules, this.#onRuleError);
  }
}
