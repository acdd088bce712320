import {
  createEntry,
  type Entry,
  type EntryHeaders,
  type EntryKind,
  parseHeaders,
} from "../protocol/entry.ts";
import { decodeToken, FLOOR_TOKEN } from "../protocol/subjects.ts";
import type { MessageHeaders } from "./message-headers.ts";
import type { RawMessage } from "./raw-message.ts";

/** An entry whose value still lies in the network's chunk; {@link settleValues} gives it a place of its own. */
export type DraftEntry = { -readonly [Field in keyof Entry]: Entry[Field] };

/**
 * The entry that a stored message is, or `undefined` when its key is not one that conat writes.
 * @param token last token of the message's subject.
 * @param trueName the value of the key header, where it is known better than the message says.
 */
export function toEntry(
  token: string,
  seq: number,
  time: number,
  headers: MessageHeaders,
  { bytes, payloadAt, end }: RawMessage,
  trueName: string = headers.key,
): DraftEntry | undefined {
  if (token === FLOOR_TOKEN) return isFloor(headers) ? toFloor(seq, time) : undefined;
  const key = decodeToken(token, trueName === "" ? undefined : trueName);
  if (key === undefined) return undefined;
  const kind = kindOf(headers);
  return {
    key,
    seq,
    time,
    kind,
    origin: headers.writer,
    write: headers.write,
    buffer: bytes,
    start: kind === "put" ? payloadAt : end,
    end,
    ttlMs: kind === "put" && headers.ttl !== "" ? parseTtl(headers.ttl) : 0,
    headers: headers.application === "" ? undefined : parseHeaders(headers.application),
  };
}

/** Only the record itself: what removes it one day removes nothing of the store. */
function isFloor({ operation, markerReason }: MessageHeaders): boolean {
  return operation === "PURGE" && markerReason === "";
}

function toFloor(seq: number, time: number): DraftEntry {
  return createEntry({ key: "", seq, time, kind: "floor" });
}

/** What a message does to its key; every way a NATS KV client or the server itself says "gone" counts. */
function kindOf(headers: MessageHeaders): EntryKind {
  if (headers.markerReason !== "") return headers.markerReason === "MaxAge" ? "expiry" : "delete";
  if (headers.operation === "DEL" || headers.operation === "PURGE") return "delete";
  return "put";
}

const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };

/** Milliseconds of a `Nats-TTL`: whole seconds (`90`) or a duration (`1m30s`), cut to whole seconds as the server does. */
export function parseTtl(text: string): number {
  if (/^\d+$/.test(text)) return Number(text) * 1_000;
  if (!/^(\d+(\.\d+)?(ms|[smh]))+$/.test(text)) return 0;
  let totalMs = 0;
  for (const [, amount, unit] of text.matchAll(/(\d+(?:\.\d+)?)(ms|[smh])/g)) {
    totalMs += Number(amount) * (UNIT_MS[unit ?? ""] ?? 0);
  }
  return Math.floor(totalMs / 1_000) * 1_000;
}

/** A TTL as a header says it: whole seconds, rounded up; the server refuses less than one. */
export function formatTtl(ttlMs: number): string {
  return String(Math.max(1, Math.ceil(ttlMs / 1_000)));
}

/** An application's headers as one line of ASCII. */
export function formatHeaders(headers: EntryHeaders): string {
  return JSON.stringify(headers).replace(
    /[\u007f-\uffff]/g,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

/** Values up to this size, in bytes, that arrive together share a buffer; a larger one gets its own. */
const SHARED_VALUE_BYTES = 4_096;

/** Size of a shared buffer, in bytes: what one value that stays can keep the others' memory from being freed. */
const SHARED_BUFFER_BYTES = 16_384;

const EMPTY = new Uint8Array(0);

/** Copies the values out of the network's chunks (64 kB each, most of it headers), so that none is kept alive. */
export function settleValues(entries: readonly DraftEntry[]): void {
  let shared = EMPTY;
  let used = 0;
  for (let index = 0; index < entries.length; index += 1) {
    const entry = entries[index];
    if (entry === undefined) continue;
    const size = entry.end - entry.start;
    if (size === 0) {
      place(entry, EMPTY, 0, 0);
    } else if (size > SHARED_VALUE_BYTES) {
      place(entry, ownBuffer(viewOf(entry)), 0, size);
    } else {
      if (used + size > shared.length) {
        shared = new Uint8Array(sharedSize(entries, index));
        used = 0;
      }
      shared.set(viewOf(entry), used);
      place(entry, shared, used, used + size);
      used += size;
    }
  }
}

/** The value as it lies; `subarray` of a Node buffer would be a Node buffer, which costs more. */
function viewOf({ buffer, start, end }: DraftEntry): Uint8Array {
  return new Uint8Array(buffer.buffer, buffer.byteOffset + start, end - start);
}

function place(entry: DraftEntry, buffer: Uint8Array, start: number, end: number): void {
  entry.buffer = buffer;
  entry.start = start;
  entry.end = end;
}

/** Bytes of the small values from `index` on, as far as they go into one shared buffer. */
function sharedSize(entries: readonly DraftEntry[], index: number): number {
  let total = 0;
  for (let at = index; at < entries.length; at += 1) {
    const entry = entries[at];
    if (entry === undefined) continue;
    const size = entry.end - entry.start;
    if (size > SHARED_VALUE_BYTES) continue;
    if (total > 0 && total + size > SHARED_BUFFER_BYTES) break;
    total += size;
  }
  return total;
}

/** A message larger than a chunk already has a buffer of about its own size. */
function ownBuffer(value: Uint8Array): Uint8Array {
  const isAlone = value.buffer.byteLength <= value.length * 1.25;
  return isAlone ? value : new Uint8Array(value);
}
