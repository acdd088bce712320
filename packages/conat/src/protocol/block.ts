import { ConatError } from "./conat-error.ts";
import { ENTRY_KINDS, type Entry, type EntryHeaders, parseHeaders, valueBytes } from "./entry.ts";
import { Scratch } from "./scratch.ts";
import { fromUtf8, isAsciiAt, utf8 } from "./utf8.ts";

/**
 * A block is how entries travel: columns, so that a chunk of thousands is decoded with one text decode and no copy of
 * a value. Layout, all integers LEB128 varints unless said:
 *
 *     count, origins, { origin length, origin UTF-8 }…            the origins of the block, named once
 *     per entry: flags, key length (UTF-16 units), sequence delta (zigzag), time delta (zigzag),
 *                value length, [origin index, write], [ttlMs], [headers length]
 *     length of all keys in UTF-8, all keys; all headers as JSON; all values
 *
 * Flags: bits 0–2 the kind of the entry, 8 has origin and write, 16 has a TTL, 32 has headers.
 */
const KIND_MASK = 7;
const HAS_ORIGIN = 8;
const HAS_TTL = 16;
const HAS_HEADERS = 32;

class Writer extends Scratch {
  varint(value: number): void {
    this.reserve(8);
    let rest = value;
    while (rest > 0x7f) {
      this.bytes[this.length++] = (rest % 128) | 0x80;
      rest = Math.floor(rest / 128);
    }
    this.bytes[this.length++] = rest;
  }

  signed(value: number): void {
    this.varint(value < 0 ? -value * 2 - 1 : value * 2);
  }

  /** Text behind its length. */
  text(text: string): void {
    const start = this.length;
    this.varint(text.length);
    if (text.length <= 0x7f && this.ascii(text)) return;
    this.length = start;
    const bytes = utf8.encode(text);
    this.varint(bytes.length);
    this.raw(bytes);
  }
}

/** Nothing that runs while a block is encoded encodes another. */
const out = new Writer();

/** The origins of a block, by number. Mostly there is one: a map is made for the second. */
class Origins {
  readonly names: string[] = [];
  #numbers: Map<string, number> | undefined;

  numberOf(name: string): number {
    if (name === this.names[0]) return 0;
    const known = this.#numbers?.get(name);
    if (known !== undefined) return known;
    const number = this.names.push(name) - 1;
    if (number > 0) {
      this.#numbers ??= new Map();
      this.#numbers.set(name, number);
    }
    return number;
  }
}

/** Encodes entries, in order, as one block. */
export function encodeBlock(entries: readonly Entry[]): Uint8Array {
  return encodeBlockWith(entries, (block) => block.slice());
}

/**
 * As {@link encodeBlock}, for who copies the bytes to a place of their own: `copy` is shown them where they were encoded,
 * and encodes no other block.
 */
export function encodeBlockWith<Copy>(
  entries: readonly Entry[],
  copy: (block: Uint8Array) => Copy,
): Copy {
  const origins = new Origins();
  let valuesLength = 0;
  for (const entry of entries) {
    if (entry.origin !== "") origins.numberOf(entry.origin);
    valuesLength += entry.end - entry.start;
  }
  out.clear();
  out.reserve(valuesLength + entries.length * 32 + 256);
  out.varint(entries.length);
  out.varint(origins.names.length);
  for (const origin of origins.names) out.text(origin);
  let seq = 0;
  let time = 0;
  let keys = "";
  let headers: Uint8Array[] | undefined;
  for (const entry of entries) {
    const extra =
      entry.headers === undefined ? undefined : utf8.encode(JSON.stringify(entry.headers));
    const hasOrigin = entry.origin !== "";
    out.varint(
      ENTRY_KINDS.indexOf(entry.kind) |
        (hasOrigin ? HAS_ORIGIN : 0) |
        (entry.ttlMs > 0 ? HAS_TTL : 0) |
        (extra ? HAS_HEADERS : 0),
    );
    out.varint(entry.key.length);
    out.signed(entry.seq - seq);
    out.signed(entry.time - time);
    out.varint(entry.end - entry.start);
    if (hasOrigin) {
      out.varint(origins.numberOf(entry.origin));
      out.varint(entry.write);
    }
    if (entry.ttlMs > 0) out.varint(entry.ttlMs);
    if (extra) {
      out.varint(extra.length);
      headers ??= [];
      headers.push(extra);
    }
    seq = entry.seq;
    time = entry.time;
    keys += entry.key;
  }
  out.text(keys);
  if (headers) for (const header of headers) out.raw(header);
  for (const entry of entries) out.raw(valueBytes(entry));
  const copied = copy(out.written());
  out.clear();
  return copied;
}

let lastOrigin = "";

class Reader {
  readonly bytes: Uint8Array;
  at = 0;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }

  varint(): number {
    let value = 0;
    let scale = 1;
    for (let count = 0; count < 8; count += 1) {
      const byte = this.bytes[this.at++];
      if (byte === undefined) throw truncated();
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) {
        if (value > Number.MAX_SAFE_INTEGER) throw truncated();
        return value;
      }
      scale *= 128;
    }
    throw truncated();
  }

  signed(): number {
    const value = this.varint();
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
  }

  /** A name; the same string as the last one that was read, if it says the same: one writer writes many entries. */
  origin(): string {
    const length = this.varint();
    if (length === lastOrigin.length && isAsciiAt(lastOrigin, this.bytes, this.at)) {
      this.at += length;
      return lastOrigin;
    }
    const origin = fromUtf8.decode(this.take(length));
    // Of ASCII only the bytes are the characters.
    if (origin.length === length) lastOrigin = origin;
    return origin;
  }

  take(length: number): Uint8Array {
    const end = this.at + length;
    if (end > this.bytes.length) throw truncated();
    const part = this.bytes.subarray(this.at, end);
    this.at = end;
    return part;
  }
}

function truncated(): ConatError {
  return new ConatError("bad-request", "a block of entries is truncated or malformed");
}

/** A decoded entry that may still be filled in while its block is read. */
type Draft = { -readonly [Field in keyof Entry]: Entry[Field] };

/**
 * Decodes a block. The entries' values are views into `bytes`.
 * @throws ConatError `bad-request` when the bytes are no block.
 */
export function decodeBlock(bytes: Uint8Array): Entry[] {
  const input = new Reader(bytes);
  const count = input.varint();
  if (count > bytes.length) throw truncated();
  const originCount = input.varint();
  if (originCount > bytes.length) throw truncated();
  const origins = new Array<string>(originCount);
  for (let index = 0; index < originCount; index += 1) origins[index] = input.origin();
  const entries = new Array<Draft>(count);
  const headerLengths: [Draft, number][] = [];
  let seq = 0;
  let time = 0;
  for (let index = 0; index < count; index += 1) {
    const flags = input.varint();
    const kind = ENTRY_KINDS[flags & KIND_MASK];
    if (kind === undefined) throw truncated();
    const keyLength = input.varint();
    seq += input.signed();
    time += input.signed();
    const draft: Draft = {
      key: "",
      seq,
      time,
      kind,
      origin: "",
      write: 0,
      buffer: bytes,
      // Until keys and values are there, these are their lengths.
      start: keyLength,
      end: input.varint(),
      ttlMs: 0,
      headers: undefined,
    };
    if (flags & HAS_ORIGIN) {
      const origin = origins[input.varint()];
      if (origin === undefined) throw truncated();
      draft.origin = origin;
      draft.write = input.varint();
    }
    if (flags & HAS_TTL) draft.ttlMs = input.varint();
    if (flags & HAS_HEADERS) headerLengths.push([draft, input.varint()]);
    entries[index] = draft;
  }
  const keys = fromUtf8.decode(input.take(input.varint()));
  for (const [draft, length] of headerLengths) draft.headers = decodeHeaders(input.take(length));
  let keyAt = 0;
  for (const draft of entries) {
    draft.key = keys.slice(keyAt, keyAt + draft.start);
    keyAt += draft.start;
    draft.start = input.at;
    input.at += draft.end;
    draft.end = input.at;
  }
  if (keyAt !== keys.length || input.at !== bytes.length) throw truncated();
  return entries;
}

function decodeHeaders(bytes: Uint8Array): EntryHeaders {
  const headers = parseHeaders(fromUtf8.decode(bytes));
  if (headers === undefined) throw truncated();
  return headers;
}
