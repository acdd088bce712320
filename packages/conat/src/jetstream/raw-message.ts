import type { Msg } from "@nats-io/nats-core";
import { MsgImpl } from "@nats-io/nats-core/internal";
import { ConatError } from "../protocol/conat-error.ts";

/**
 * A received message as bytes. The client library's own accessors build a header object with a validated copy of every
 * line, and a view for the payload: most of the cost of a message.
 */
export interface RawMessage {
  readonly subject: Uint8Array;
  /** Where the answer goes; of a consumer's message, where its sequence and time are. */
  readonly reply: Uint8Array | undefined;
  /** Headers and payload. A part of a chunk read from the network: copy what is kept. */
  readonly bytes: Uint8Array;
  /** Where the payload starts; 0 when there are no headers. */
  readonly payloadAt: number;
}

export function toRawMessage(message: Msg): RawMessage {
  if (!(message instanceof MsgImpl)) {
    throw new ConatError("internal", "this version of the NATS client library is not known");
  }
  const { _msg: args, _rdata: bytes } = message;
  const payloadAt = Math.max(args.hdr, 0);
  return { subject: args.subject, reply: args.reply, bytes, payloadAt };
}

/** The chunk from the network that was read last, as Node's own kind of bytes, which alone know how to become text. */
let chunk: Buffer = Buffer.alloc(0);

/** Bytes as a string, one character each. Subjects and headers are ASCII. */
export function latin1(bytes: Uint8Array, start = 0, end = bytes.length): string {
  const { buffer, byteOffset } = bytes;
  if (chunk.buffer !== buffer) chunk = Buffer.from(buffer);
  return chunk.toString("latin1", byteOffset + start, byteOffset + end);
}

/** The last token of the subject between two places. */
export function lastToken(bytes: Uint8Array, from = 0, end = bytes.length): string {
  let start = end;
  while (start > from && bytes[start - 1] !== DOT) start -= 1;
  return latin1(bytes, start, end);
}

const DOT = 0x2e;
