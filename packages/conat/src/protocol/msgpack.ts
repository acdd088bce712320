import { Scratch } from "./scratch.ts";
import { keep, roomFor } from "./slab.ts";
import { fromUtf8, isAsciiAt, utf8 } from "./utf8.ts";

/**
 * MessagePack, as much of it as frames and values need, in a fraction of what a library adds to a page. Bytes are equal
 * to those of `@msgpack/msgpack`, which `msgpack.test.ts` holds it against: what is stored is compared by its bytes.
 */

/** Deeper is refused on both ways, long before the call stack ends. */
const MAX_DEPTH = 1_000;

/** Up to this length a loop over characters is faster than the platform's codec. The id of a scope is mostly 36 long. */
const SHORT_TEXT = 64;

/** A packed value of up to so many bytes lies side by side with others. */
const SHORT_BYTES = 1_024;

const TWO_32 = 0x1_0000_0000;

/** Bytes of a type of the application's own, 0 to 127. */
export class Extension {
  readonly type: number;
  readonly data: Uint8Array;

  constructor(type: number, data: Uint8Array) {
    this.type = type;
    this.data = data;
  }
}

/**
 * Packs null, booleans, numbers, strings, `Uint8Array`, {@link Extension}, arrays and plain objects of these. A property
 * that is `undefined` is left out; elsewhere it is null.
 * @throws TypeError for anything else, RangeError when it is nested too deeply
 */
export function pack(value: unknown): Uint8Array<ArrayBuffer> {
  return packWith(value, copyOf);
}

function copyOf(packed: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  const { length } = packed;
  if (length > SHORT_BYTES) return packed.slice();
  roomFor(length).set(packed);
  return keep(length);
}

/** As {@link pack}, for who copies the bytes to a place of their own: `copy` is shown them where they were packed. */
export function packWith<Copy>(
  value: unknown,
  copy: (packed: Uint8Array<ArrayBuffer>) => Copy,
): Copy {
  const packer = idle ?? new Packer();
  // Whatever is packed meanwhile, by a getter perhaps, has a packer of its own.
  idle = undefined;
  try {
    packer.write(value, 0);
    return copy(packer.written());
  } finally {
    packer.clear();
    idle = packer;
  }
}

/**
 * The value of bytes that {@link pack} made. Binary in it is a view of `bytes`.
 * @param extend makes a value of an extension
 * @throws RangeError or TypeError when the bytes are no value, or more than one
 */
export function unpack(
  bytes: Uint8Array,
  extend?: (type: number, data: Uint8Array) => unknown,
): unknown {
  const unpacker = new Unpacker(bytes, extend);
  const value = unpacker.read(0);
  if (unpacker.at !== bytes.length) throw new RangeError("more bytes than one value has");
  return value;
}

/** Packs one value after the other. */
let idle: Packer | undefined;

class Packer extends Scratch {
  write(value: unknown, depth: number): void {
    if (depth > MAX_DEPTH) throw new RangeError("nested too deeply");
    switch (typeof value) {
      case "undefined":
        this.#byte(0xc0);
        break;
      case "boolean":
        this.#byte(value ? 0xc3 : 0xc2);
        break;
      case "number":
        this.#number(value);
        break;
      case "string":
        this.#text(value);
        break;
      case "object":
        this.#object(value, depth + 1);
        break;
      default:
        throw new TypeError(`cannot pack a ${typeof value}`);
    }
  }

  #object(value: object | null, depth: number): void {
    if (value === null) {
      this.#byte(0xc0);
    } else if (value instanceof Uint8Array) {
      this.#sized(0xc4, value.length);
      this.raw(value);
    } else if (value instanceof Extension) {
      this.#extension(value);
    } else if (Array.isArray(value)) {
      this.#counted(0x90, 0xdc, value.length);
      for (const part of value) this.write(part, depth);
    } else {
      const parts = Object.entries(value).filter(([, part]) => part !== undefined);
      this.#counted(0x80, 0xde, parts.length);
      for (const [name, part] of parts) {
        this.#text(name);
        this.write(part, depth);
      }
    }
  }

  #number(value: number): void {
    if (!Number.isSafeInteger(value)) {
      this.#byte(0xcb);
      float.setFloat64(0, value);
      const at = this.take(8);
      for (let byte = 0; byte < 8; byte += 1) this.bytes[at + byte] = float.getUint8(byte);
    } else if (value >= 0) {
      if (value < 0x80) this.#byte(value);
      else if (value < TWO_32) this.#sized(0xcc, value);
      else this.#wide(0xcf, value);
    } else if (value >= -0x20) {
      this.#byte(value + 0x100);
    } else if (value >= -0x80) {
      this.#byte(0xd0);
      this.#byte(value + 0x100);
    } else if (value >= -0x8000) {
      this.#byte(0xd1);
      this.#short(value);
    } else if (value >= -0x8000_0000) {
      this.#byte(0xd2);
      this.#word(value);
    } else this.#wide(0xd3, value);
  }

  #wide(code: number, value: number): void {
    this.#byte(code);
    this.#word(Math.floor(value / TWO_32));
    this.#word(value);
  }

  #text(value: string): void {
    if (value.length <= SHORT_TEXT) {
      const start = this.length;
      if (value.length < 0x20) this.#byte(0xa0 | value.length);
      else this.#sized(0xd9, value.length);
      if (this.ascii(value)) return;
      this.length = start;
    }
    const bytes = utf8.encode(value);
    if (bytes.length < 0x20) this.#byte(0xa0 | bytes.length);
    else this.#sized(0xd9, bytes.length);
    this.raw(bytes);
  }

  #extension({ type, data }: Extension): void {
    const fixed = [1, 2, 4, 8, 16].indexOf(data.length);
    if (fixed >= 0) this.#byte(0xd4 + fixed);
    else this.#sized(0xc7, data.length);
    this.#byte(type);
    this.raw(data);
  }

  /** A number of 1, 2 or 4 bytes; `code` announces one byte, the next two codes the others. */
  #sized(code: number, size: number): void {
    if (size < 0x100) {
      this.#byte(code);
      this.#byte(size);
    } else this.#counted(0, code + 1, size);
  }

  /** A number in the byte `few` itself if it is below 16, else of 2 or 4 bytes. */
  #counted(few: number, code: number, count: number): void {
    if (few > 0 && count < 0x10) {
      this.#byte(few | count);
    } else if (count < 0x1_0000) {
      this.#byte(code);
      this.#short(count);
    } else {
      this.#byte(code + 1);
      this.#word(count);
    }
  }

  // Room is made first: it may take another buffer.

  #byte(byte: number): void {
    const at = this.take(1);
    this.bytes[at] = byte;
  }

  /** The low 16 bits, as the next method the low 32, of a number with or without a sign. */
  #short(value: number): void {
    const at = this.take(2);
    this.bytes[at] = value >> 8;
    this.bytes[at + 1] = value;
  }

  #word(value: number): void {
    this.#short(value >> 16);
    this.#short(value);
  }
}

/** The last short text of each length: names come again and again, and are found faster when each is one string. */
const recentTexts: string[] = [];

const float = new DataView(new ArrayBuffer(8));

class Unpacker {
  at = 0;
  readonly #bytes: Uint8Array;
  readonly #extend: ((type: number, data: Uint8Array) => unknown) | undefined;

  constructor(
    bytes: Uint8Array,
    extend: ((type: number, data: Uint8Array) => unknown) | undefined,
  ) {
    this.#bytes = bytes;
    this.#extend = extend;
  }

  read(depth: number): unknown {
    if (depth > MAX_DEPTH) throw new RangeError("nested too deeply");
    const code = this.#uint(1);
    if (code < 0x80) return code;
    if (code < 0x90) return this.#map(code & 0xf, depth + 1);
    if (code < 0xa0) return this.#list(code & 0xf, depth + 1);
    if (code < 0xc0) return this.#text(code & 0x1f);
    if (code >= 0xe0) return code - 0x100;
    // The others come in rows: the place in its row says in how many bytes a size or number follows.
    if (code >= 0xde) return this.#map(this.#uint(2 << (code - 0xde)), depth + 1);
    if (code >= 0xdc) return this.#list(this.#uint(2 << (code - 0xdc)), depth + 1);
    if (code >= 0xd9) return this.#text(this.#uint(1 << (code - 0xd9)));
    if (code >= 0xd4) return this.#extension(1 << (code - 0xd4));
    if (code >= 0xd0) return this.#int(1 << (code - 0xd0));
    if (code >= 0xcc) return this.#uint(1 << (code - 0xcc));
    if (code >= 0xca) return this.#float(4 << (code - 0xca));
    if (code >= 0xc7) return this.#extension(this.#uint(1 << (code - 0xc7)));
    if (code >= 0xc4) return this.#take(this.#uint(1 << (code - 0xc4)));
    if (code === 0xc1) throw new TypeError("0xc1 begins no value");
    return code === 0xc0 ? null : code === 0xc3;
  }

  #uint(width: number): number {
    if (width === 8) return this.#uint(4) * TWO_32 + this.#uint(4);
    const at = this.#skip(width);
    let value = 0;
    for (let next = at; next < this.at; next += 1) value = value * 0x100 + (this.#bytes[next] ?? 0);
    return value;
  }

  #int(width: number): number {
    if (width === 8) return this.#int(4) * TWO_32 + this.#uint(4);
    const unused = 32 - 8 * width;
    return (this.#uint(width) << unused) >> unused;
  }

  #float(width: number): number {
    const at = this.#skip(width);
    for (let byte = 0; byte < width; byte += 1) float.setUint8(byte, this.#bytes[at + byte] ?? 0);
    return width === 4 ? float.getFloat32(0) : float.getFloat64(0);
  }

  #list(count: number, depth: number): unknown[] {
    // Room is made beforehand for few, as most are; a number that is no more than claimed makes none.
    const items = new Array<unknown>(count < 0x10 ? count : 0);
    for (let at = 0; at < count; at += 1) items[at] = this.read(depth);
    return items;
  }

  #map(count: number, depth: number): object {
    const map: Record<string, unknown> = {};
    for (let left = count; left > 0; left -= 1) {
      const name = this.read(depth);
      const isName = typeof name === "string" ? name !== "__proto__" : typeof name === "number";
      if (!isName) throw new TypeError("not the name of a property");
      map[String(name)] = this.read(depth);
    }
    return map;
  }

  #text(length: number): string {
    const start = this.#skip(length);
    if (length > SHORT_TEXT) return fromUtf8.decode(this.#part(start, length));
    const recent = recentTexts[length];
    if (recent !== undefined && isAsciiAt(recent, this.#bytes, start)) return recent;
    let text = "";
    for (let at = start; at < this.at; at += 1) {
      const byte = this.#bytes[at] ?? 0;
      if (byte > 0x7f) return fromUtf8.decode(this.#part(start, length));
      text += String.fromCharCode(byte);
    }
    recentTexts[length] = text;
    return text;
  }

  #extension(length: number): unknown {
    const type = this.#int(1);
    const data = this.#take(length);
    if (this.#extend === undefined) throw new TypeError("an extension where none is expected");
    return this.#extend(type, data);
  }

  #take(length: number): Uint8Array {
    return this.#part(this.#skip(length), length);
  }

  /** Not by `subarray`: a part of a Node buffer would be a Node buffer, which costs several times as much. */
  #part(start: number, length: number): Uint8Array {
    const { buffer, byteOffset } = this.#bytes;
    return new Uint8Array(buffer, byteOffset + start, length);
  }

  /** Where so many bytes begin, that follow. */
  #skip(length: number): number {
    const { at } = this;
    this.at += length;
    if (this.at > this.#bytes.length) throw tooShort();
    return at;
  }
}

function tooShort(): RangeError {
  return new RangeError("fewer bytes than a value has");
}
