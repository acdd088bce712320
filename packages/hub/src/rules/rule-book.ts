import { ConatError, type Entry, type StoreRef, storeKey } from "@conat/conat/internal";
import { LRUCache } from "lru-cache";
import { describeIdentity, type Identity } from "../scope/identity.ts";
import type { Params } from "./pattern.ts";
import {
  type Access,
  type Condition,
  type Rule,
  type RuleIdentity,
  toRuleIdentity,
} from "./rule.ts";
import { ReadContext, type StoredFacts, WriteContext } from "./rule-context.ts";

/** Readers of one store who see the same of it. */
export interface Audience {
  /** Equal for those who see the same; `undefined` where everything is seen. */
  readonly key: string | undefined;
  canRead(entry: Entry): boolean;
}

/** A write, and all that a rule may want to know to decide about it. */
export interface WriteFacts extends StoredFacts {
  readonly key: string;
  readonly value: Uint8Array | undefined;
}

export interface WriteDecision {
  readonly isAllowed: boolean;
  /** The rule that allowed it has looked at what is stored: the decision holds only while that is so. */
  readonly dependsOnPrev: boolean;
}

/**
 * Says of a write whether it is allowed, at once; `undefined` where that takes a look at what is stored, or time: then
 * {@link RuleBook.decideWrite} does.
 */
export type WriteJudge = (key: string, value: Uint8Array | undefined) => boolean | undefined;

/** A rule that can apply to one identity in one store, with what its path has bound so far. */
interface BoundRule {
  readonly rule: Rule;
  readonly index: number;
  readonly params: Params;
  /** What is left to ask of each key. */
  readonly condition: Condition | undefined;
}

/** What rules for writing may apply to one identity in one store. */
interface WriteRules {
  readonly identity: Identity;
  readonly ref: StoreRef;
  readonly who: RuleIdentity;
  readonly bound: readonly BoundRule[];
}

const MAX_KNOWN_STORES = 10_000;
const EVERYTHING: Audience = { key: undefined, canRead: () => true };
let books = 0;

/** The rules of an application. A store that none of them names goes by role alone; trusted backends always do. */
export class RuleBook {
  readonly #rules: readonly Rule[];
  readonly #onError: (error: unknown, rule: Rule) => void;
  /** Rules of later books make other audiences, whatever they say. */
  readonly #version: number;
  /** Rules for writing that look at what is stored, or take their time. */
  readonly #needsMore = new WeakSet<Rule>();
  /** The last answers: a frame of writes asks several times about the same. */
  #lastRef: StoreRef | undefined;
  #lastRules: readonly number[] = [];
  #lastWriteRules: WriteRules | undefined;
  readonly #ofStore = new LRUCache<string, readonly number[]>({ max: MAX_KNOWN_STORES });

  /** @param onError a rule has thrown, and so denied */
  constructor(rules: readonly Rule[], onError: (error: unknown, rule: Rule) => void) {
    this.#rules = rules;
    this.#onError = onError;
    books += 1;
    this.#version = books;
  }

  /** Whether rules, beside the role, decide about this store for this identity. */
  governs(identity: Identity, ref: StoreRef): boolean {
    return identity.kind !== "hub" && this.#rulesOf(ref).length > 0;
  }

  /**
   * What an identity sees of a store.
   * @throws ConatError `forbidden` when that is nothing at all
   */
  audienceOf(identity: Identity, ref: StoreRef): Audience {
    if (!this.governs(identity, ref)) return EVERYTHING;
    const who = toRuleIdentity(identity, ref.scope);
    const bound = this.#bind("read", who, ref);
    if (bound.length === 0) throw denied(identity, "read", ref);
    if (bound.some(isForAllKeys)) return EVERYTHING;
    const seen = bound.map(({ rule, index }) => [
      index,
      (rule.fields ?? Object.keys(who).sort()).map((field) => [field, who[field] ?? null]),
    ]);
    return {
      key: JSON.stringify([this.#version, storeKey(ref), seen]),
      canRead: (entry) => bound.some((one) => this.#readable(one, who, entry)),
    };
  }

  /** Whether every key may be written, so that nothing needs to be asked about a single one. */
  allowsAllWrites(identity: Identity, ref: StoreRef): boolean {
    if (!this.governs(identity, ref)) return true;
    return this.#writeRules(identity, ref).bound.some(isForAllKeys);
  }

  /** For writes of one identity in one store. A rule that throws allows nothing. */
  judgeOf(identity: Identity, ref: StoreRef): WriteJudge {
    const { who, bound } = this.#writeRules(identity, ref);
    const fieldOf = fieldsOf(who);
    return (key, value) => {
      for (const { rule, params, condition } of bound) {
        const all = rule.pattern.bindKey(key, params, fieldOf);
        if (all === undefined) continue;
        if (condition === undefined) return true;
        if (this.#needsMore.has(rule)) return undefined;
        const context = new WriteContext(who, all, key, value);
        const answer = this.#askAtOnce(rule, condition, context);
        if (answer instanceof Promise || context.lacksFacts) {
          // A rule that has once looked at more than a write brings with it is not asked this way again.
          this.#needsMore.add(rule);
          return undefined;
        }
        if (answer === true) return true;
      }
      return false;
    };
  }

  /** The answer to what can be told at once. Who needs longer is asked again, by somebody who waits. */
  #askAtOnce(rule: Rule, condition: Condition, context: WriteContext): unknown {
    try {
      const answer: unknown = condition(context);
      if (answer instanceof Promise) answer.catch(() => undefined);
      return answer;
    } catch (error) {
      if (!context.lacksFacts) this.#onError(error, rule);
      return false;
    }
  }

  /** Whether a write is allowed; a rule that throws allows nothing. */
  async decideWrite(identity: Identity, ref: StoreRef, facts: WriteFacts): Promise<WriteDecision> {
    const { who, bound } = this.#writeRules(identity, ref);
    const fieldOf = fieldsOf(who);
    const { key, value } = facts;
    for (const { rule, params, condition } of bound) {
      const all = rule.pattern.bindKey(key, params, fieldOf);
      if (all === undefined) continue;
      if (condition === undefined) return { isAllowed: true, dependsOnPrev: false };
      const context = new WriteContext(who, all, key, value, facts);
      try {
        if ((await condition(context)) === true) {
          return { isAllowed: true, dependsOnPrev: context.hasLookedAtPrev };
        }
      } catch (error) {
        this.#onError(error, rule);
      }
    }
    return { isAllowed: false, dependsOnPrev: false };
  }

  #readable({ rule, params, condition }: BoundRule, who: RuleIdentity, entry: Entry): boolean {
    const all = rule.pattern.bindKey(entry.key, params, fieldsOf(who));
    if (all === undefined) return false;
    if (condition === undefined) return true;
    try {
      const answer = condition(new ReadContext(who, all, entry.key, entry));
      if (answer instanceof Promise) {
        answer.catch(() => undefined);
        throw new ConatError("bad-options", "a rule for reading must answer at once");
      }
      return answer === true;
    } catch (error) {
      this.#onError(error, rule);
      return false;
    }
  }

  #writeRules(identity: Identity, ref: StoreRef): WriteRules {
    const last = this.#lastWriteRules;
    if (last?.identity === identity && last.ref === ref) return last;
    const who = toRuleIdentity(identity, ref.scope);
    this.#lastWriteRules = { identity, ref, who, bound: this.#bind("write", who, ref) };
    return this.#lastWriteRules;
  }

  #bind(access: Access, who: RuleIdentity, ref: StoreRef): BoundRule[] {
    const bound: BoundRule[] = [];
    for (const index of this.#rulesOf(ref)) {
      const rule = this.#rules[index];
      if (rule === undefined || !rule.access.includes(access)) continue;
      const params = rule.pattern.bindStore(ref, fieldsOf(who));
      if (params === undefined) continue;
      if (!rule.isOfStore) bound.push({ rule, index, params, condition: rule.condition });
      else if (this.#holdsForStore(rule, who, params)) {
        bound.push({ rule, index, params, condition: undefined });
      }
    }
    return bound;
  }

  #holdsForStore(rule: Rule, who: RuleIdentity, params: Params): boolean {
    try {
      return rule.condition?.(new WriteContext(who, params, "", undefined)) === true;
    } catch (error) {
      this.#onError(error, rule);
      return false;
    }
  }

  #rulesOf(ref: StoreRef): readonly number[] {
    if (this.#rules.length === 0) return [];
    if (this.#lastRef === ref) return this.#lastRules;
    const key = storeKey(ref);
    let known = this.#ofStore.get(key);
    if (known === undefined) {
      known = [...this.#rules.keys()].filter((at) => this.#rules[at]?.pattern.couldMatchStore(ref));
      this.#ofStore.set(key, known);
    }
    this.#lastRef = ref;
    this.#lastRules = known;
    return known;
  }
}

function isForAllKeys({ rule, condition }: BoundRule): boolean {
  return rule.pattern.matchesAllKeys && condition === undefined;
}

export function denied(identity: Identity, access: Access, ref: StoreRef): ConatError {
  const what = `the store ${JSON.stringify(ref.name)}`;
  return new ConatError(
    "forbidden",
    `${describeIdentity(identity)} may not ${access} this in ${what}`,
  );
}

function fieldsOf(who: RuleIdentity): (name: string) => string | undefined {
  return (name) => (Object.hasOwn(who, name) ? String(who[name]) : undefined);
}
