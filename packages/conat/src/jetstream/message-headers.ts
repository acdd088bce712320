import { KEY_HEADER, STORE_HEADER } from "../protocol/subjects.ts";
import { isAsciiAt } from "../protocol/utf8.ts";
import { originAt } from "./origins.ts";
import { latin1, type RawMessage, readDigits } from "./raw-message.ts";

/** Headers of NATS and of conat, by name. What a client sends never becomes a name here. */
export const HEADER = {
  messageId: "Nats-Msg-Id",
  expectedSeq: "Nats-Expected-Last-Subject-Sequence",
  ttl: "Nats-TTL",
  rollup: "Nats-Rollup",
  markerReason: "Nats-Marker-Reason",
  operation: "KV-Operation",
  subject: "Nats-Subject",
  seq: "Nats-Sequence",
  time: "Nats-Time-Stamp",
  pending: "Nats-Num-Pending",
  upTo: "Nats-UpTo-Sequence",
  /** An application's own headers, as JSON in ASCII. */
  application: "Conat-Headers",
  /** Who sent a PubSub message. */
  origin: "Conat-Origin",
  key: KEY_HEADER,
  store: STORE_HEADER,
} as const;

/** What the headers of one message say; "" and 0 for what they do not. */
export interface MessageHeaders {
  /** Status of an answer, such as 503; 0 for an ordinary message. */
  status: number;
  description: string;
  /** Origin of the session that wrote the message, and its number for the write, as the message's id tells them. */
  writer: string;
  write: number;
  ttl: string;
  markerReason: string;
  operation: string;
  /** Where the subject that the message was stored under lies in it; twice 0 when it is not told. */
  subjectStart: number;
  subjectEnd: number;
  seq: number;
  time: number;
  pending: number;
  upTo: number;
  application: string;
  origin: string;
  key: string;
  store: string;
}

const PREAMBLE = "NATS/1.0";

const SPACE = 0x20;
const COLON = 0x3a;
const CR = 0x0d;
const LF = 0x0a;

/**
 * Reads the headers of a message, as bytes: text of it would be most of what a message costs. Of a header that is there
 * twice the last counts: the server appends its own.
 */
export function readHeaders({ bytes, start: first, payloadAt }: RawMessage): MessageHeaders {
  const headers: MessageHeaders = {
    status: 0,
    description: "",
    writer: "",
    write: 0,
    ttl: "",
    markerReason: "",
    operation: "",
    subjectStart: 0,
    subjectEnd: 0,
    seq: 0,
    time: 0,
    pending: 0,
    upTo: 0,
    application: "",
    origin: "",
    key: "",
    store: "",
  };
  let end = endOfLine(bytes, first, payloadAt);
  const statusAt = first + PREAMBLE.length;
  if (end > statusAt) readStatus(headers, latin1(bytes, statusAt, end).trim());
  for (let start = end + 2; start < payloadAt; start = end + 2) {
    let colon = start;
    while (colon < payloadAt && bytes[colon] !== COLON && bytes[colon] !== CR) colon += 1;
    end = endOfLine(bytes, colon, payloadAt);
    const name = bytes[colon] === COLON ? nameAt(bytes, start, colon) : undefined;
    if (name === undefined) continue;
    // One space follows the colon in all that NATS and conat write.
    const from = bytes[colon + 1] === SPACE ? colon + 2 : colon + 1;
    readHeader(headers, name, bytes, from, end);
  }
  return headers;
}

function endOfLine(bytes: Uint8Array, start: number, end: number): number {
  let at = start;
  while (at < end && (bytes[at] !== CR || bytes[at + 1] !== LF)) at += 1;
  return at;
}

/** Where the names of most headers differ that are as long: behind `Nats-`. */
const TELLING = 5;

/** Longer than any name that is read here. */
const MAX_NAME = 64;

/** The names of {@link HEADER} by their length and the byte at {@link TELLING}. */
const names = new Array<readonly string[] | undefined>(MAX_NAME * 256).fill(undefined);
for (const name of Object.values(HEADER)) {
  const slot = slotOf(name.length, name.charCodeAt(TELLING));
  names[slot] = [...(names[slot] ?? []), name];
}

function slotOf(length: number, byte: number): number {
  return length * 256 + byte;
}

/** The name between two places, if it is one that is read here. */
function nameAt(bytes: Uint8Array, start: number, end: number): string | undefined {
  const candidates = names[slotOf(end - start, bytes[start + TELLING] ?? 0)];
  if (candidates === undefined) return undefined;
  for (const name of candidates) if (isAsciiAt(name, bytes, start)) return name;
  return undefined;
}

function readStatus(headers: MessageHeaders, line: string): void {
  headers.status = Number.parseInt(line, 10) || 0;
  headers.description = line.slice(String(headers.status).length).trim();
}

function readHeader(
  headers: MessageHeaders,
  name: string,
  bytes: Uint8Array,
  start: number,
  end: number,
): void {
  switch (name) {
    case HEADER.messageId:
      readWriter(headers, bytes, start, end);
      break;
    case HEADER.seq:
      headers.seq = readDigits(bytes, start, end);
      break;
    case HEADER.time:
      headers.time = readTime(bytes, start, end);
      break;
    case HEADER.subject:
      headers.subjectStart = start;
      headers.subjectEnd = end;
      break;
    case HEADER.ttl:
      headers.ttl = latin1(bytes, start, end);
      break;
    case HEADER.markerReason:
      headers.markerReason = latin1(bytes, start, end);
      break;
    case HEADER.operation:
      headers.operation = latin1(bytes, start, end);
      break;
    case HEADER.pending:
      headers.pending = readDigits(bytes, start, end);
      break;
    case HEADER.upTo:
      headers.upTo = readDigits(bytes, start, end);
      break;
    case HEADER.application:
      headers.application = latin1(bytes, start, end);
      break;
    case HEADER.origin:
      headers.origin = latin1(bytes, start, end);
      break;
    case HEADER.key:
      headers.key = latin1(bytes, start, end);
      break;
    case HEADER.store:
      headers.store = latin1(bytes, start, end);
      break;
  }
}

const DOT = 0x2e;
const ZERO = 0x30;
const NINE = 0x39;

/** Fewer digits than a double holds exactly. */
const MAX_WRITE_DIGITS = 15;

/** A session's message id is `<origin>.<write>`; any other says nothing. As bytes, because every message has one. */
function readWriter(headers: MessageHeaders, bytes: Uint8Array, start: number, end: number): void {
  let dot = end - 1;
  while (dot > start && isDigit(bytes[dot])) dot -= 1;
  const digits = end - dot - 1;
  const isOurs = dot > start && bytes[dot] === DOT && digits > 0 && digits <= MAX_WRITE_DIGITS;
  headers.writer = isOurs ? originAt(bytes, start, dot) : "";
  headers.write = isOurs ? readDigits(bytes, dot + 1, end) : 0;
}

function isDigit(byte: number | undefined): boolean {
  return byte !== undefined && byte >= ZERO && byte <= NINE;
}

/** As long as `2026-11-21T09:31:34`. */
const SECOND_LENGTH = 19;

let lastSecond = "";
let lastSecondMs = 0;

/** Milliseconds of a time such as `2026-11-21T09:31:34.2202Z`. Messages of the same second share the costly part. */
function readTime(bytes: Uint8Array, start: number, end: number): number {
  // What is shorter is no time, and would be the beginning of a great many.
  if (end - start < SECOND_LENGTH) return Number.NaN;
  if (lastSecond === "" || !isAsciiAt(lastSecond, bytes, start)) {
    lastSecond = latin1(bytes, start, start + SECOND_LENGTH);
    lastSecondMs = Date.parse(`${lastSecond}Z`);
  }
  let time = lastSecondMs;
  const dot = start + SECOND_LENGTH;
  if (bytes[dot] !== DOT) return time;
  for (let at = dot + 1, unit = 100; unit >= 1 && at < end - 1; at += 1, unit /= 10) {
    time += ((bytes[at] ?? ZERO) - ZERO) * unit;
  }
  return time;
}

/** The same of a text. */
export function parseTime(text: string): number {
  const bytes = Buffer.from(text, "latin1");
  return readTime(bytes, 0, bytes.length);
}
