import { ConatError, decodeValue, type Entry, valueBytes } from "@conat/conat/internal";
import type { Params } from "./pattern.ts";
import type { RuleContext, RuleIdentity } from "./rule.ts";

/** What is stored now, for a rule for writing that wants to see more than the write. */
export interface StoredFacts {
  readonly prev: Entry | undefined;
  readonly get: RuleContext["get"];
}

/** Stands among a context's own properties, to be met by who copies them. */
const NOT_TO_BE_COPIED: PropertyDescriptor = {
  enumerable: true,
  get() {
    throw new ConatError("bad-options", "a rule may hand on what it is shown, but not copy it");
  },
};

/**
 * Shows a rule what it looks at when it does, so that a value that no rule looks at is not decoded. All of it is on the
 * prototype, so that a copy would hold nothing, and a rule that takes no value for a removal would allow any: a rule that
 * makes one (`{ ...context }`, `({ key, ...rest })`) throws, and so denies.
 */
abstract class ShownContext implements RuleContext {
  readonly #identity: RuleIdentity;
  readonly #params: Params;
  readonly #key: string;
  /** Encoded until somebody looks. */
  #value: unknown;
  #isDecoded = false;

  constructor(
    identity: RuleIdentity,
    params: Params,
    key: string,
    value: Uint8Array | Entry | undefined,
  ) {
    Object.defineProperty(this, "copy", NOT_TO_BE_COPIED);
    this.#identity = identity;
    this.#params = params;
    this.#key = key;
    this.#value = value;
  }

  get identity(): RuleIdentity {
    return this.#identity;
  }

  get params(): Params {
    return this.#params;
  }

  get key(): string {
    return this.#key;
  }

  get value(): unknown {
    if (!this.#isDecoded) {
      this.#value = decode(this.#value as Uint8Array | Entry | undefined);
      this.#isDecoded = true;
    }
    return this.#value;
  }

  abstract get prev(): unknown;
  abstract get get(): RuleContext["get"];
}

/** For a rule for reading. */
export class ReadContext extends ShownContext {
  get prev(): undefined {
    return undefined;
  }

  get get(): RuleContext["get"] {
    return noOtherKeys;
  }
}

/** For a rule for writing: without facts it has only what the write brings with it, and notes when that is not enough. */
export class WriteContext extends ShownContext {
  readonly #facts: StoredFacts | undefined;
  #hasLookedAtPrev = false;
  #hasCalledGet = false;

  constructor(
    identity: RuleIdentity,
    params: Params,
    key: string,
    value: Uint8Array | undefined,
    facts?: StoredFacts,
  ) {
    super(identity, params, key, value);
    this.#facts = facts;
  }

  get prev(): unknown {
    this.#hasLookedAtPrev = true;
    return decode(this.#facts?.prev);
  }

  get get(): RuleContext["get"] {
    if (this.#facts) return this.#facts.get;
    return () => {
      this.#hasCalledGet = true;
      return new Promise(() => undefined);
    };
  }

  /** The rule has looked at what is stored under the key. */
  get hasLookedAtPrev(): boolean {
    return this.#hasLookedAtPrev;
  }

  /** The rule wanted to see what is not here: its answer counts for nothing. */
  get lacksFacts(): boolean {
    return this.#facts === undefined && (this.#hasLookedAtPrev || this.#hasCalledGet);
  }
}

function noOtherKeys(): never {
  throw new ConatError("bad-options", "a rule for reading cannot read other keys");
}

/**
 * What is stored and is no value reads as `undefined`.
 * @throws ConatError `invalid-value` when what is to be stored is none: it must not be taken for a removal
 */
function decode(source: Uint8Array | Entry | undefined): unknown {
  if (source === undefined) return undefined;
  if (source instanceof Uint8Array) return decodeValue(source);
  try {
    return source.kind === "put" ? decodeValue(valueBytes(source)) : undefined;
  } catch {
    return undefined;
  }
}
