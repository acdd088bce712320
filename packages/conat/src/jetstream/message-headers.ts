import { KEY_HEADER, STORE_HEADER } from "../protocol/subjects.ts";
import { readDigits } from "./delivery.ts";
import { originAt } from "./origins.ts";
import { latin1, type RawMessage } from "./raw-message.ts";

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
  subject: string;
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

/** Reads the headers of a message. Of a header that is there twice the last counts: the server appends its own. */
export function readHeaders({ bytes, payloadAt }: RawMessage): MessageHeaders {
  const headers: MessageHeaders = {
    status: 0,
    description: "",
    writer: "",
    write: 0,
    ttl: "",
    markerReason: "",
    operation: "",
    subject: "",
    seq: 0,
    time: 0,
    pending: 0,
    upTo: 0,
    application: "",
    origin: "",
    key: "",
    store: "",
  };
  if (payloadAt === 0) return headers;
  const text = latin1(bytes, 0, payloadAt);
  let end = text.indexOf("\r\n");
  if (end > PREAMBLE.length) readStatus(headers, text.slice(PREAMBLE.length, end).trim());
  while (end >= 0) {
    const start = end + 2;
    end = text.indexOf("\r\n", start);
    if (end <= start) break;
    const colon = text.indexOf(":", start);
    if (colon < 0 || colon > end) continue;
    // One space follows the colon in all that NATS and conat write.
    const from = text.charCodeAt(colon + 1) === SPACE ? colon + 2 : colon + 1;
    const name = nameAt(text, start, colon);
    if (name === HEADER.messageId) readWriter(headers, bytes, from, end);
    else if (name !== undefined) readHeader(headers, name, text.slice(from, end));
  }
  return headers;
}

const SPACE = 0x20;

/** The names of {@link HEADER} by their length. */
const names: string[][] = [];
for (const name of Object.values(HEADER)) {
  names[name.length] ??= [];
  names[name.length]?.push(name);
}

/** The name between two places, if it is one that is read here. */
function nameAt(text: string, start: number, end: number): string | undefined {
  const candidates = names[end - start];
  if (candidates === undefined) return undefined;
  for (const name of candidates) if (text.startsWith(name, start)) return name;
  return undefined;
}

function readStatus(headers: MessageHeaders, line: string): void {
  headers.status = Number.parseInt(line, 10) || 0;
  headers.description = line.slice(String(headers.status).length).trim();
}

function readHeader(headers: MessageHeaders, name: string, value: string): void {
  switch (name) {
    case HEADER.ttl:
      headers.ttl = value;
      break;
    case HEADER.markerReason:
      headers.markerReason = value;
      break;
    case HEADER.operation:
      headers.operation = value;
      break;
    case HEADER.subject:
      headers.subject = value;
      break;
    case HEADER.seq:
      headers.seq = Number(value);
      break;
    case HEADER.time:
      headers.time = parseTime(value);
      break;
    case HEADER.pending:
      headers.pending = Number(value);
      break;
    case HEADER.upTo:
      headers.upTo = Number(value);
      break;
    case HEADER.application:
      headers.application = value;
      break;
    case HEADER.origin:
      headers.origin = value;
      break;
    case HEADER.key:
      headers.key = value;
      break;
    case HEADER.store:
      headers.store = value;
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

let lastSecond = "";
let lastSecondMs = 0;

/** Milliseconds of a time such as `2026-11-21T09:31:34.2202Z`. Messages of the same second share the costly part. */
export function parseTime(text: string): number {
  const second = text.slice(0, 19);
  if (second !== lastSecond) {
    lastSecondMs = Date.parse(`${second}Z`);
    lastSecond = second;
  }
  if (text.charCodeAt(19) !== DOT) return lastSecondMs;
  let time = lastSecondMs;
  for (let at = 20, unit = 100; unit >= 1 && at < text.length - 1; at += 1, unit /= 10) {
    time += (text.charCodeAt(at) - ZERO) * unit;
  }
  return time;
}
