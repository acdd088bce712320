import { Extension, pack, packWith, unpack } from "./msgpack.ts";
import { fromUtf8, utf8 } from "./utf8.ts";

/** A value that was read from its encoding. */
export interface Decoded {
  readonly value: unknown;
  /** False when the value holds a Date, Map, Set or binary: these cannot be frozen, so it must not be shared. */
  readonly frozen: boolean;
}

/** First byte of a value in MessagePack: never the first byte of JSON text or of MessagePack itself. */
export const PACKED_MARK = 0xc1;

/** MessagePack extension types of this format. Part of the stored format: append, never renumber. */
const EXT_UNDEFINED = 0;
const EXT_NEGATIVE_ZERO = 1;
const EXT_BIGINT = 2;
const EXT_DATE = 3;
const EXT_MAP = 4;
const EXT_SET = 5;
const EXT_BUFFER = 6;
/** A string that UTF-8 cannot carry (half a surrogate pair), as JSON text. */
const EXT_STRING = 7;
/** An object with an own `__proto__` property, as a list of names and values. */
const EXT_OBJECT = 8;

/** Kinds of binary by their number in the first byte of EXT_BUFFER. Elements are little-endian, as on every platform. */
const BUFFER_KINDS = [
  ArrayBuffer,
  DataView,
  Int8Array,
  Uint8ClampedArray,
  Int16Array,
  Uint16Array,
  Int32Array,
  Uint32Array,
  Float32Array,
  Float64Array,
  BigInt64Array,
  BigUint64Array,
] as const;

const LONE_SURROGATE = /\p{Surrogate}/u;
const EMPTY = new Uint8Array(0);

/** Encodes a value that value-codec has found storable but too rich for JSON. */
export function encodePacked(value: unknown): Uint8Array {
  return packWith(toPackable(value), (packed) => {
    const marked = new Uint8Array(packed.length + 1);
    marked[0] = PACKED_MARK;
    marked.set(packed, 1);
    return marked;
  });
}

function toPackable(value: unknown): unknown {
  switch (typeof value) {
    case "undefined":
      return new Extension(EXT_UNDEFINED, EMPTY);
    case "bigint":
      return new Extension(EXT_BIGINT, utf8.encode(value.toString()));
    case "number":
      return Object.is(value, -0) ? new Extension(EXT_NEGATIVE_ZERO, EMPTY) : value;
    case "string":
      return LONE_SURROGATE.test(value)
        ? new Extension(EXT_STRING, utf8.encode(JSON.stringify(value)))
        : value;
    case "object":
      return value === null ? null : objectToPackable(value);
    default:
      return value;
  }
}

function objectToPackable(value: object): unknown {
  if (Array.isArray(value)) return Array.from(value, toPackable);
  if (value instanceof Date) {
    const time = new DataView(new ArrayBuffer(8));
    time.setFloat64(0, value.getTime());
    return new Extension(EXT_DATE, new Uint8Array(time.buffer));
  }
  if (value instanceof Map) return list(EXT_MAP, [...value].flat(1));
  if (value instanceof Set) return list(EXT_SET, [...value]);
  if (value instanceof ArrayBuffer) return binary(value, new Uint8Array(value));
  if (value instanceof Uint8Array) return value;
  if (ArrayBuffer.isView(value)) {
    return binary(value, new Uint8Array(value.buffer, value.byteOffset, value.byteLength));
  }
  if ("toJSON" in value && typeof value.toJSON === "function") return toPackable(value.toJSON());
  const parts = Object.entries(value).filter(([, part]) => part !== undefined);
  if (parts.some(([name]) => name === "__proto__" || LONE_SURROGATE.test(name))) {
    return list(EXT_OBJECT, parts.flat(1));
  }
  return Object.fromEntries(parts.map(([name, part]) => [name, toPackable(part)]));
}

function list(type: number, items: unknown[]): Extension {
  return new Extension(type, pack(items.map(toPackable)));
}

function binary(value: object, bytes: Uint8Array): Extension {
  const kind = BUFFER_KINDS.findIndex((Kind) => value instanceof Kind);
  const data = new Uint8Array(bytes.length + 1);
  data[0] = kind;
  data.set(bytes, 1);
  return new Extension(EXT_BUFFER, data);
}

function extend(type: number, data: Uint8Array): unknown {
  switch (type) {
    case EXT_UNDEFINED:
      return undefined;
    case EXT_NEGATIVE_ZERO:
      return -0;
    case EXT_BIGINT:
      return BigInt(fromUtf8.decode(data));
    case EXT_DATE:
      return new Date(new DataView(data.buffer, data.byteOffset, 8).getFloat64(0));
    case EXT_MAP:
      return new Map(toPairs(unpackList(data)));
    case EXT_SET:
      return new Set(unpackList(data));
    case EXT_BUFFER:
      return toBuffer(data);
    case EXT_STRING:
      return JSON.parse(fromUtf8.decode(data));
    case EXT_OBJECT:
      return toObject(toPairs(unpackList(data)));
    default:
      throw new TypeError(`extension ${type} is none of this format`);
  }
}

function unpackList(data: Uint8Array): unknown[] {
  const items = unpack(data, extend);
  if (!Array.isArray(items)) throw new TypeError("a packed list is not a list");
  return items;
}

/**
 * The value of bytes that {@link encodePacked} made. Binary in it is a copy (`slice` of a
 * Node Buffer would be none), so that nobody reaches into `bytes`.
 */
export function decodePacked(bytes: Uint8Array): Decoded {
  const value = unpack(new Uint8Array(bytes).subarray(1), extend);
  return { value, frozen: freezeShareable(value) };
}

function toPairs(items: unknown[]): [unknown, unknown][] {
  const pairs: [unknown, unknown][] = [];
  for (let at = 0; at + 1 < items.length; at += 2) pairs.push([items[at], items[at + 1]]);
  return pairs;
}

function toObject(pairs: [unknown, unknown][]): object {
  const object = {};
  for (const [name, value] of pairs) {
    Object.defineProperty(object, String(name), {
      value,
      configurable: true,
      enumerable: true,
      writable: true,
    });
  }
  return object;
}

function toBuffer(data: Uint8Array): unknown {
  const buffer = new Uint8Array(data.subarray(1)).buffer;
  const Kind = BUFFER_KINDS[data[0] ?? -1];
  if (Kind === undefined) throw new TypeError("unknown kind of binary");
  return Kind === ArrayBuffer ? buffer : Reflect.construct(Kind, [buffer]);
}

/** Freezes what can be frozen. False when something inside cannot: then every reader needs a copy of its own. */
function freezeShareable(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return true;
  if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer) return false;
  if (value instanceof Date || value instanceof Map || value instanceof Set) return false;
  Object.freeze(value);
  let shareable = true;
  for (const part of Object.values(value)) shareable = freezeShareable(part) && shareable;
  return shareable;
}
