import type { Msg } from "@nats-io/nats-core";
import { MsgImpl } from "@nats-io/nats-core/internal";
import { ConatError } from "../protocol/conat-error.ts";

/**
 * A received message as bytes. The client library's own accessors build a header object with a validated copy of every
 * line, and a view for the payload: most of the cost of a message.
 */
export interface RawMessage {
  /** Where the subject lies, and the reply: where an answer goes; of a consumer's message, its sequence and time. */
  readonly line: Uint8Array;
  readonly subjectStart: number;
  readonly subjectEnd: number;
  /** Equal when there is no reply. */
  readonly replyStart: number;
  readonly replyEnd: number;
  /** Where headers and payload lie. A part of a chunk read from the network: copy what is kept. */
  readonly bytes: Uint8Array;
  /** Where the headers start. */
  readonly start: number;
  /** Where the payload starts; where the headers would, when there are none. */
  readonly payloadAt: number;
  readonly end: number;
}

/** A message that the client library has read. */
export function toRawMessage(message: Msg): RawMessage {
  if (!(message instanceof MsgImpl)) {
    throw new ConatError("internal", "this version of the NATS client library is not known");
  }
  const { _msg: args, _rdata: bytes } = message;
  return rawMessage(args.subject, bytes, Math.max(args.hdr, 0), args.reply);
}

/** @param payloadAt where in `bytes` the payload starts; headers are before it. */
export function rawMessage(
  subject: Uint8Array,
  bytes: Uint8Array,
  payloadAt: number,
  reply: Uint8Array = NOTHING,
): RawMessage {
  const line = reply.length === 0 ? subject : Buffer.concat([subject, reply]);
  return {
    line,
    subjectStart: 0,
    subjectEnd: subject.length,
    replyStart: subject.length,
    replyEnd: line.length,
    bytes,
    start: 0,
    payloadAt,
    end: bytes.length,
  };
}

const NOTHING = new Uint8Array(0);

/** The chunk from the network that was read last, as Node's own kind of bytes, which alone know how to become text. */
let chunk: Buffer = Buffer.alloc(0);

/** Bytes as a string, one character each. Subjects and headers are ASCII. */
export function latin1(bytes: Uint8Array, start: number, end: number): string {
  const { buffer, byteOffset } = bytes;
  if (chunk.buffer !== buffer) chunk = Buffer.from(buffer);
  return chunk.toString("latin1", byteOffset + start, byteOffset + end);
}

export function subjectOf({ line, subjectStart, subjectEnd }: RawMessage): string {
  return latin1(line, subjectStart, subjectEnd);
}

/** The token of the key, which is the last of the subject. */
export function keyTokenOf({ line, subjectStart, subjectEnd }: RawMessage): string {
  return lastToken(line, subjectStart, subjectEnd);
}

/** The last token of the subject between two places. */
export function lastToken(bytes: Uint8Array, from: number, end: number): string {
  let start = end;
  while (start > from && bytes[start - 1] !== DOT) start -= 1;
  return latin1(bytes, start, end);
}

/** The decimal number between two places. */
export function readDigits(bytes: Uint8Array, start: number, end: number): number {
  let number = 0;
  for (let at = start; at < end; at += 1) number = number * 10 + (bytes[at] ?? ZERO) - ZERO;
  return number;
}

const DOT = 0x2e;
const ZERO = 0x30;
