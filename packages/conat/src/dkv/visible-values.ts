import type { ConatError } from "../protocol/conat-error.ts";
import { toConatError } from "../protocol/conat-error.ts";
import { type Entry, valueBytes } from "../protocol/entry.ts";
import { decodeFrozen } from "../protocol/value-codec.ts";
import { equalBytes, hasValue, type Visible } from "./overlay.ts";

/** Checks a decoded value; throws what the application should know about it. */
export type ValueCheck = (value: unknown) => void;

/** What stored bytes mean: a value, or an error that says why they are none; neither for a removal. */
export interface Reading {
  readonly value: unknown;
  readonly error: ConatError | undefined;
}

interface Decoded extends Reading {
  readonly source: Visible;
}

const REMOVED: Reading = { value: undefined, error: undefined };

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
    if (visible !== undefined && hasValue(visible)) return this.#remembered(key, visible).value;
    this.#decoded.delete(key);
    return undefined;
  }

  /** The value of an entry that is visible now, and why its stored bytes are no valid value, if they are not. */
  show(entry: Entry): Reading {
    if (entry.kind === "put") return this.#remembered(entry.key, entry);
    this.#decoded.delete(entry.key);
    return REMOVED;
  }

  /** The same for an entry that is not, or no longer, what is visible: remembers nothing. */
  read(entry: Entry): Reading {
    if (entry.kind !== "put") return REMOVED;
    const known = this.#decoded.get(entry.key);
    return known?.source === entry ? known : this.#decode(entry).decoded;
  }

  #remembered(key: string, visible: Visible): Decoded {
    const known = this.#decoded.get(key);
    if (known?.source === visible) return known;
    if (known && equalBytes(bytesOf(known.source), bytesOf(visible))) {
      const same = { ...known, source: visible };
      this.#decoded.set(key, same);
      return same;
    }
    const { decoded, frozen } = this.#decode(visible);
    if (frozen) this.#decoded.set(key, decoded);
    else this.#decoded.delete(key);
    return decoded;
  }

  /** The value of stored bytes; `undefined` when they are no valid value. */
  decode(bytes: Uint8Array): unknown {
    return decodeChecked(this.#check, bytes).value;
  }

  clear(): void {
    this.#decoded.clear();
  }

  #decode(source: Visible): { decoded: Decoded; frozen: boolean } {
    const { frozen, ...reading } =
      "kind" in source
        ? decodeChecked(this.#check, source.buffer, source.start, source.end)
        : decodeChecked(this.#check, bytesOf(source));
    return { decoded: { source, ...reading }, frozen };
  }
}

/** What the bytes in `buffer[start, end)` say. Those that are no encoded value, or that `check` refuses, have an error. */
export function decodeChecked(
  check: ValueCheck | undefined,
  buffer: Uint8Array,
  start?: number,
  end?: number,
): Reading & { readonly frozen: boolean } {
  try {
    const { value, frozen } = decodeFrozen(buffer, start, end);
    check?.(value);
    return { value, error: undefined, frozen };
  } catch (error) {
    return { value: undefined, error: toConatError(error, "invalid-value"), frozen: true };
  }
}

function bytesOf(visible: Visible): Uint8Array {
  if ("kind" in visible) return valueBytes(visible);
  return visible.value ?? EMPTY;
}

const EMPTY = new Uint8Array(0);
