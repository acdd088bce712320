import {
  ConatError,
  decodeValue,
  type Entry,
  type StoreRef,
  storeKey,
  valueBytes,
} from "@conat/conat/internal";
import { LRUCache } from "lru-cache";
import { describeIdentity, type Identity } from "../scope/identity.ts";
import type { Params } from "./pattern.ts";
import {
  type Access,
  type Rule,
  type RuleContext,
  type RuleIdentity,
  toRuleIdentity,
} from "./rule.ts";

/** Readers of one store who see the same of it. */
export interface Audience {
  /** Equal for those who see the same; `undefined` where everything is seen. */
  readonly key: string | undefined;
  canRead(entry: Entry): boolean;
}

/** What a rule for writing gets to see beside the new value. */
export interface WriteFacts {
  readonly key: string;
  readonly value: Uint8Array | undefined;
  readonly prev: Entry | undefined;
  readonly get: (store: string, key: string) => Promise<unknown>;
}

export interface WriteDecision {
  readonly isAllowed: boolean;
  /** The rule that allowed it has looked at what is stored: the decision holds only while that is so. */
  readonly dependsOnPrev: boolean;
}

/** A rule that can apply to one identity in one store, with what its path has bound so far. */
interface BoundRule {
  readonly rule: Rule;
  readonly index: number;
  readonly params: Params;
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
    if (bound.some(({ rule }) => rule.pattern.matchesAllKeys && !rule.condition)) return EVERYTHING;
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
    return this.#bind("write", toRuleIdentity(identity, ref.scope), ref).some(
      ({ rule }) => rule.pattern.matchesAllKeys && !rule.condition,
    );
  }

  /** Whether a write is allowed; a rule that throws allows nothing. */
  async decideWrite(identity: Identity, ref: StoreRef, facts: WriteFacts): Promise<WriteDecision> {
    const who = toRuleIdentity(identity, ref.scope);
    const value = facts.value && tryDecode(facts.value);
    for (const { rule, params } of this.#bind("write", who, ref)) {
      const all = rule.pattern.bindKey(facts.key, params, fieldsOf(who));
      if (all === undefined) continue;
      if (rule.condition === undefined) return { isAllowed: true, dependsOnPrev: false };
      let dependsOnPrev = false;
      const prev = facts.prev?.kind === "put" ? tryDecode(valueBytes(facts.prev)) : undefined;
      const context: RuleContext = {
        identity: who,
        params: toObject(all),
        key: facts.key,
        value,
        get prev() {
          dependsOnPrev = true;
          return prev;
        },
        get: facts.get,
      };
      try {
        if ((await rule.condition(context)) === true) return { isAllowed: true, dependsOnPrev };
      } catch (error) {
        this.#onError(error, rule);
      }
    }
    return { isAllowed: false, dependsOnPrev: false };
  }

  #readable({ rule, params }: BoundRule, who: RuleIdentity, entry: Entry): boolean {
    const all = rule.pattern.bindKey(entry.key, params, fieldsOf(who));
    if (all === undefined) return false;
    if (rule.condition === undefined) return true;
    const context: RuleContext = {
      identity: who,
      params: toObject(all),
      key: entry.key,
      get value() {
        return entry.kind === "put" ? tryDecode(valueBytes(entry)) : undefined;
      },
      prev: undefined,
      get() {
        throw new ConatError("bad-options", "a rule for reading cannot read other keys");
      },
    };
    try {
      const answer = rule.condition(context);
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

  #bind(access: Access, who: RuleIdentity, ref: StoreRef): BoundRule[] {
    const bound: BoundRule[] = [];
    for (const index of this.#rulesOf(ref)) {
      const rule = this.#rules[index];
      if (rule === undefined || !rule.access.includes(access)) continue;
      const params = rule.pattern.bindStore(ref, fieldsOf(who));
      if (params) bound.push({ rule, index, params });
    }
    return bound;
  }

  #rulesOf(ref: StoreRef): readonly number[] {
    if (this.#rules.length === 0) return [];
    const key = storeKey(ref);
    let known = this.#ofStore.get(key);
    if (known === undefined) {
      known = [...this.#rules.keys()].filter((at) => this.#rules[at]?.pattern.couldMatchStore(ref));
      this.#ofStore.set(key, known);
    }
    return known;
  }
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

function toObject(params: Params): Readonly<Record<string, string>> {
  return Object.assign(Object.create(null), Object.fromEntries(params));
}

/** A value that is none reads as `undefined`. */
function tryDecode(bytes: Uint8Array): unknown {
  try {
    return decodeValue(bytes);
  } catch {
    return undefined;
  }
}
