import type { ConatError } from "../protocol/conat-error.ts";
import { toConatError } from "../protocol/conat-error.ts";
import { type Entry, valueBytes } from "../protocol/entry.ts";
import { decodeFrozen } from "../protocol/value-codec.ts";
import { equalBytes, hasValue, type Visible } from "./overlay.ts";

/** Checks a decoded value; throws what the application should know about it. */
export type ValueCheck = (value: unknown) => void;

interface Decoded {
  readonly source: Visible;
  readonly value: unknown;
  readonly error: ConatError | undefined;
}

/**
 * Decoded values: each version is decoded once, when somebody first asks, and is the same frozen object until the next
 * version. A value that cannot be frozen is decoded for every reader anew.
 */
export class VisibleValues {
  readonly #decoded = new Map<string, Decoded>();
  readonly #check: ValueCheck | undefined;

  constructor(check: ValueCheck | undefined) {
    this.#check = check;
  }

  /** The value of what is visible under `key`; `undefined` when that is no value, or not a valid one. */
  get(key: string, visible: Visible | undefined): unknown {
    if (visible === undefined || !hasValue(visible)) {
      this.#decoded.delete(key);
      return undefined;
    }
    const known = this.#decoded.get(key);
    if (known?.source === visible) return known.value;
    const bytes = bytesOf(visible);
    if (known && equalBytes(bytesOf(known.source), bytes)) {
      this.#decoded.set(key, { ...known, source: visible });
      return known.value;
    }
    const { decoded, frozen } = this.#decode(visible);
    if (frozen) this.#decoded.set(key, decoded);
    else this.#decoded.delete(key);
    return decoded.value;
  }

  /** Why the stored bytes of an entry are no valid value; `undefined` when they are one, or a removal. */
  problem(entry: Entry): ConatError | undefined {
    const known = this.#decoded.get(entry.key);
    if (known?.source === entry) return known.error;
    return entry.kind === "put" ? this.#decode(entry).decoded.error : undefined;
  }

  clear(): void {
    this.#decoded.clear();
  }

  #decode(source: Visible): { decoded: Decoded; frozen: boolean } {
    try {
      const { value, frozen } = decodeFrozen(bytesOf(source));
      this.#check?.(value);
      return { decoded: { source, value, error: undefined }, frozen };
    } catch (error) {
      const named = toConatError(error, "invalid-value");
      return { decoded: { source, value: undefined, error: named }, frozen: true };
    }
  }
}

function bytesOf(visible: Visible): Uint8Array {
  if ("kind" in visible) return valueBytes(visible);
  return visible.value ?? EMPTY;
}

const EMPTY = new Uint8Array(0);
