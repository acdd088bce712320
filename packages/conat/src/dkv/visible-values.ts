import type { ConatError } from "../protocol/conat-error.ts";
import { toConatError } from "../protocol/conat-error.ts";
import type { Entry } from "../protocol/entry.ts";
import { decodeFrozen } from "../protocol/value-codec.ts";
import { equalParts } from "../util/equal-bytes.ts";
import { type Holder, hasValue, type Visible } from "./visible.ts";

/** Checks a decoded value; throws what the application should know about it. */
export type ValueCheck = (value: unknown) => void;

/** What stored bytes mean: a value, or an error that says why they are none; neither for a removal. */
export interface Reading {
  readonly value: unknown;
  readonly error: ConatError | undefined;
}

interface CheckedReading extends Reading {
  /** False where the value cannot be frozen: it must not be shared. */
  readonly frozen: boolean;
}

const REMOVED: Reading = { value: undefined, error: undefined };

/**
 * Decodes values: each version once, when somebody first asks; it is the same frozen object until the next version. A
 * value that cannot be frozen is decoded for every reader anew.
 */
export class VisibleValues {
  readonly #check: ValueCheck | undefined;

  constructor(check: ValueCheck | undefined) {
    this.#check = check;
  }

  /** The value of what is visible of a key; `undefined` when that is no value, or not a valid one. */
  get(holder: Holder, visible: Visible | undefined): unknown {
    if (visible !== undefined && hasValue(visible)) return this.#remember(holder, visible).value;
    holder.remembered = undefined;
    return undefined;
  }

  /** The value of an entry that is visible now, and why its stored bytes are no valid value, if they are not. */
  show(holder: Holder, entry: Entry): Reading {
    if (entry.kind === "put") return this.#remember(holder, entry);
    holder.remembered = undefined;
    return REMOVED;
  }

  /** The same for an entry that is not, or no longer, what is visible: remembers nothing. */
  read({ remembered }: Holder, entry: Entry): Reading {
    if (entry.kind !== "put") return REMOVED;
    return remembered?.source === entry ? remembered : this.#decode(entry);
  }

  #remember(holder: Holder, visible: Visible): Reading {
    const { remembered } = holder;
    if (remembered?.source === visible) return remembered;
    if (remembered && isSame(remembered.source, visible)) {
      remembered.source = visible;
      return remembered;
    }
    const decoded = this.#decode(visible);
    const { value, error } = decoded;
    if (!decoded.frozen) holder.remembered = undefined;
    else if (remembered) {
      remembered.source = visible;
      remembered.value = value;
      remembered.error = error;
    } else holder.remembered = { source: visible, value, error };
    return decoded;
  }

  /** The value of stored bytes; `undefined` when they are no valid value. */
  decode(bytes: Uint8Array): unknown {
    return decodeChecked(this.#check, bytes).value;
  }

  #decode(source: Visible): CheckedReading {
    return decodeChecked(this.#check, bufferOf(source), startOf(source), endOf(source));
  }
}

/** What the bytes in `buffer[start, end)` say. Those that are no encoded value, or that `check` refuses, have an error. */
export function decodeChecked(
  check: ValueCheck | undefined,
  buffer: Uint8Array,
  start?: number,
  end?: number,
): CheckedReading {
  try {
    const { value, frozen } = decodeFrozen(buffer, start, end);
    check?.(value);
    return { value, error: undefined, frozen };
  } catch (error) {
    return { value: undefined, error: toConatError(error, "invalid-value"), frozen: true };
  }
}

/** Whether two values are the same bytes: compared where they lie, which is done for every change. */
function isSame(left: Visible, right: Visible): boolean {
  const [from, to] = [startOf(left), startOf(right)];
  const length = endOf(left) - from;
  if (length !== endOf(right) - to) return false;
  return equalParts(bufferOf(left), from, bufferOf(right), to, length);
}

function bufferOf(visible: Visible): Uint8Array {
  return "kind" in visible ? visible.buffer : (visible.value ?? EMPTY);
}

function startOf(visible: Visible): number {
  return "kind" in visible ? visible.start : 0;
}

function endOf(visible: Visible): number {
  return "kind" in visible ? visible.end : (visible.value?.length ?? 0);
}

const EMPTY = new Uint8Array(0);
