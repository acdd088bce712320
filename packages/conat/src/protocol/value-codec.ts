import { ConatError, toConatError } from "./conat-error.ts";
import { type Decoded, decodePacked, encodePacked, PACKED_MARK } from "./packed-value.ts";
import { keep, roomFor } from "./slab.ts";
import { utf8 } from "./utf8.ts";

/** Deeper values are refused; a cycle is found by this, too. */
const MAX_DEPTH = 200;

const fromUtf8 = new TextDecoder();

/**
 * Encodes a value as it is stored: JSON text when JSON carries it without loss, else the byte 0xC1 and MessagePack,
 * which adds Date, binary and typed arrays, Map, Set, BigInt, NaN, ±Infinity, -0 and `undefined` in arrays.
 * As in JSON, a property whose value is `undefined` is left out, `toJSON` is honoured, and an instance of a class
 * becomes a plain object of its own enumerable properties.
 * @throws ConatError `not-serialisable` for `undefined`, a function, a symbol, a cycle, or an object such as a Promise or
 * a Blob, and for one whose getter or `toJSON` throws
 */
export function encodeValue(value: unknown): Uint8Array {
  if (value === undefined) throw notSerialisable("undefined", "delete the key instead");
  try {
    return fitsJson(value, 0) ? encodeText(JSON.stringify(value)) : encodePacked(value);
  } catch (cause) {
    if (cause instanceof ConatError) throw cause;
    const { message } = toConatError(cause);
    throw new ConatError(
      "not-serialisable",
      `cannot store a value that fails to be read: ${message}`,
      { cause },
    );
  }
}

/** Text of up to so many UTF-16 units is encoded side by side with others. */
const SHORT_TEXT = 512;

/** What UTF-8 makes of a UTF-16 unit, at most. */
const MAX_BYTES_PER_UNIT = 3;

function encodeText(text: string): Uint8Array {
  if (text.length > SHORT_TEXT) return utf8.encode(text);
  return keep(utf8.encodeInto(text, roomFor(text.length * MAX_BYTES_PER_UNIT)).written);
}

/**
 * The value stored in `buffer[start, end)`, deep-frozen as far as JavaScript can.
 * @throws ConatError `invalid-value` when the bytes are not an encoded value.
 */
export function decodeFrozen(buffer: Uint8Array, start = 0, end: number = buffer.length): Decoded {
  try {
    if (buffer[start] === PACKED_MARK) return decodePacked(buffer.subarray(start, end));
    const isWhole = start === 0 && end === buffer.length;
    // A view of its own, because `subarray` of a Node buffer is a Node buffer, which costs more.
    const view = isWhole
      ? buffer
      : new Uint8Array(buffer.buffer, buffer.byteOffset + start, end - start);
    const text = fromUtf8.decode(view);
    return { value: freezeParsed(JSON.parse(text)), frozen: true };
  } catch (cause) {
    throw new ConatError(
      "invalid-value",
      "the stored bytes are neither JSON nor an encoded value",
      { cause },
    );
  }
}

/** {@link decodeFrozen} without the note whether it may be shared. */
export function decodeValue(buffer: Uint8Array, start?: number, end?: number): unknown {
  return decodeFrozen(buffer, start, end).value;
}

/** Freezes what `JSON.parse` has made, all the way down; returns its argument. */
function freezeParsed(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) {
    for (let at = 0; at < value.length; at += 1) freezeParsed(value[at]);
  } else {
    const parts = value as Readonly<Record<string, unknown>>;
    for (const name in parts) freezeParsed(parts[name]);
  }
  return Object.freeze(value);
}

/** True when JSON gives the value back unchanged; false when it takes MessagePack. Throws when neither can. */
function fitsJson(value: unknown, depth: number): boolean {
  switch (typeof value) {
    case "string":
    case "boolean":
      return true;
    case "number":
      return Number.isFinite(value) && !Object.is(value, -0);
    case "bigint":
    case "undefined":
      return false;
    case "object":
      return value === null || objectFitsJson(value, depth + 1);
    default:
      throw notSerialisable(typeof value);
  }
}

function objectFitsJson(value: object, depth: number): boolean {
  if (depth > MAX_DEPTH) {
    throw notSerialisable(
      "a value that refers to itself",
      `or is nested over ${MAX_DEPTH} levels deep`,
    );
  }
  if (Array.isArray(value)) {
    let fits = true;
    for (let at = 0; at < value.length; at += 1) fits = fitsJson(value[at], depth) && fits;
    return fits;
  }
  if (isPackedOnly(value)) {
    // Of a Map each part is a pair.
    if (value instanceof Map || value instanceof Set) {
      for (const part of value) fitsJson(part, depth);
    }
    return false;
  }
  if (OPAQUE.test(kindOf(value))) throw notSerialisable(`a ${kindOf(value)}`);
  if ("toJSON" in value && typeof value.toJSON === "function") {
    const replaced: unknown = value.toJSON();
    if (replaced === undefined) return false;
    return fitsJson(replaced, depth);
  }
  const names = Object.keys(value);
  // A Blob, an iterator or a form's data has nothing of its own that would be stored.
  if (names.length === 0 && kindOf(value) !== "Object") throw notSerialisable(`a ${kindOf(value)}`);
  let fits = true;
  for (const name of names) {
    const part: unknown = Reflect.get(value, name);
    if (part !== undefined) fits = fitsJson(part, depth) && fits;
  }
  return fits;
}

function isPackedOnly(value: object): boolean {
  return (
    value instanceof Date ||
    value instanceof Map ||
    value instanceof Set ||
    value instanceof ArrayBuffer ||
    ArrayBuffer.isView(value)
  );
}

/** Objects whose content is not in their properties; storing them as `{}` would lose it silently. */
const OPAQUE = /^(Promise|Weak.+|Error|RegExp|Number|String|Boolean)$/;

/** `Object` for plain objects and for instances of a class that names itself no other way. */
function kindOf(value: object): string {
  return Object.prototype.toString.call(value).slice(8, -1);
}

function notSerialisable(what: string, hint = "store plain data"): ConatError {
  return new ConatError("not-serialisable", `cannot store ${what}: ${hint}`);
}
