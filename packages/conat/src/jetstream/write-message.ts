import { ConatError } from "../protocol/conat-error.ts";
import type { StoreRef } from "../protocol/scope.ts";
import {
  encodeToken,
  encodeTrueName,
  isHashToken,
  keyPath,
  storeToken,
  type Token,
} from "../protocol/subjects.ts";
import { utf8 } from "../protocol/utf8.ts";
import type { Mutation } from "../session/session.ts";
import type { OpenBucket } from "./buckets.ts";
import { formatHeaders, formatTtl } from "./entry-codec.ts";
import { digitsOf, type FrameWriter } from "./frame-writer.ts";
import { HEADER } from "./message-headers.ts";

/** A name this short is never hashed: each of its UTF-16 units is at most nine characters of a token. */
const NEVER_HASHED_UNITS = 111;

const CRLF = "\r\n";
const CRLF_BYTES = 2;

/** More than verb, spaces, numbers and line ends of a message take together. */
const PROTOCOL_BYTES = 100;

/** Where the writes to a store go. */
export interface StorePath {
  readonly ref: StoreRef;
  readonly bucket: OpenBucket;
  /** Subject of its keys, up to where the token of each stands. */
  readonly subject: Uint8Array;
  /** The header that tells the store's name, where the subject does not. */
  readonly storeLine: string;
}

export function storePathOf(ref: StoreRef, bucket: OpenBucket): StorePath {
  const path = keyPath(bucket.name, ref);
  const isHashed = isHashToken(storeToken(path) ?? "");
  const storeLine = isHashed ? line(HEADER.store, encodeTrueName(ref.name)) : "";
  return { ref, bucket, subject: utf8.encode(path), storeLine };
}

/** How the headers begin that tell whose a write is. All writes of a session share it. */
export function idHeader(origin: string): Uint8Array {
  return utf8.encode(`NATS/1.0\r\n${HEADER.messageId}: ${origin}.`);
}

const NO_ID_HEADER = utf8.encode("NATS/1.0\r\n");

/** The message that stores a mutation. */
export interface WriteMessage {
  readonly path: StorePath;
  /** The last of the subject. */
  readonly token: Token;
  readonly mutation: Mutation;
  /** {@link idHeader} of the mutation's origin; `undefined` where it has none. */
  readonly id: Uint8Array | undefined;
  /** All headers but the id, each with its end; in ASCII. */
  readonly lines: string;
  readonly headerBytes: number;
}

/** @throws ConatError `bad-options` */
export function writeMessage(
  path: StorePath,
  mutation: Mutation,
  id: Uint8Array | undefined,
): WriteMessage {
  if (!Number.isSafeInteger(mutation.write) || mutation.write < 0) {
    throw new ConatError("bad-options", `${mutation.write} is no number of a write`);
  }
  const token = encodeToken(mutation.key);
  const lines = headerLines(path, token, mutation);
  const idBytes =
    id === undefined ? NO_ID_HEADER.length : id.length + digitsOf(mutation.write) + CRLF_BYTES;
  return { path, token, mutation, id, lines, headerBytes: idBytes + lines.length + CRLF_BYTES };
}

/** Bytes of its headers and its value, which nats-server's `max_payload` bounds. */
export function payloadBytes({ headerBytes, mutation }: WriteMessage): number {
  return headerBytes + (mutation.value?.length ?? 0);
}

/** Bytes that {@link putMessage} writes, at most. */
export function frameBytes(message: WriteMessage, inbox: string): number {
  const { path, token } = message;
  return path.subject.length + token.length + inbox.length + payloadBytes(message) + PROTOCOL_BYTES;
}

/** @param reply behind `inbox`, where the answer goes; 0 for no answer */
export function putMessage(
  frames: FrameWriter,
  message: WriteMessage,
  inbox: string,
  reply: number,
): void {
  const { path, token, mutation, id, lines, headerBytes } = message;
  frames.begin(frameBytes(message, inbox));
  frames.text("HPUB ");
  frames.bytes(path.subject);
  frames.text(token);
  frames.text(" ");
  if (reply > 0) {
    frames.text(inbox);
    frames.number(reply);
    frames.text(" ");
  }
  frames.number(headerBytes);
  frames.text(" ");
  frames.number(payloadBytes(message));
  frames.text(CRLF);
  frames.bytes(id ?? NO_ID_HEADER);
  if (id !== undefined) {
    frames.number(mutation.write);
    frames.text(CRLF);
  }
  frames.text(lines);
  frames.text(CRLF);
  if (mutation.value !== undefined) frames.bytes(mutation.value);
  frames.text(CRLF);
}

function headerLines({ storeLine, bucket }: StorePath, token: Token, mutation: Mutation): string {
  const { key, value, expectedSeq, ttlMs, headers } = mutation;
  let text = storeLine;
  if (expectedSeq !== undefined) text += line(HEADER.expectedSeq, expectedSeq);
  if (value === undefined) {
    // A PURGE counts as a delete marker and vanishes silently when due; a DEL would leave a second marker then.
    text += line(HEADER.operation, "PURGE");
    text += line(HEADER.rollup, "sub");
    text += line(HEADER.ttl, formatTtl(bucket.markerTtlMs));
  } else if (ttlMs > 0) {
    text += line(HEADER.ttl, formatTtl(ttlMs));
  }
  if (headers !== undefined) text += line(HEADER.application, formatHeaders(headers));
  if (key.length > NEVER_HASHED_UNITS && isHashToken(token)) {
    text += line(HEADER.key, encodeTrueName(key));
  }
  return text;
}

function line(name: string, value: string | number): string {
  return `${name}: ${value}${CRLF}`;
}
