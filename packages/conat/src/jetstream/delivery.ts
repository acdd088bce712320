import { type RawMessage, readDigits } from "./raw-message.ts";

/** What the reply subject of a consumer's message says. */
export interface Delivery {
  /** Stream sequence. */
  readonly seq: number;
  /** When the message was stored, in milliseconds since the epoch. */
  readonly time: number;
  /** Messages that the consumer has not delivered yet. */
  readonly pending: number;
}

const DOT = 0x2e;

/** Digits of a time in nanoseconds that are less than a millisecond. */
const NANO_DIGITS = 6;

/**
 * Reads the reply subjects of one consumer's messages:
 * `$JS.ACK.<stream>.<consumer>.<deliveries>.<stream seq>.<consumer seq>.<time ns>.<pending>`; with a domain there are two
 * more tokens before the stream and may be one more at the end. Byte by byte, and only what differs from message to
 * message: split into strings it would be the dearest part of a load.
 */
export class DeliveryReader {
  /** How far behind its start the number of deliveries is: the same in all messages of a consumer. */
  #offset = 0;

  read({ line, replyStart, replyEnd }: RawMessage): Delivery {
    if (this.#offset === 0) {
      const before = countDots(line, replyStart, replyEnd) > 8 ? 6 : 4;
      this.#offset = startOfToken(line, replyStart, replyEnd, before) - replyStart;
    }
    const seqAt = endOfToken(line, replyStart + this.#offset, replyEnd) + 1;
    const seqEnd = endOfToken(line, seqAt, replyEnd);
    const timeAt = endOfToken(line, seqEnd + 1, replyEnd) + 1;
    const timeEnd = endOfToken(line, timeAt, replyEnd);
    return {
      seq: readDigits(line, seqAt, seqEnd),
      time: readDigits(line, timeAt, timeEnd - NANO_DIGITS),
      pending: readDigits(line, timeEnd + 1, endOfToken(line, timeEnd + 1, replyEnd)),
    };
  }
}

function countDots(line: Uint8Array, start: number, end: number): number {
  let dots = 0;
  for (let at = start; at < end; at += 1) if (line[at] === DOT) dots += 1;
  return dots;
}

function startOfToken(line: Uint8Array, start: number, end: number, index: number): number {
  let at = start;
  for (let left = index; left > 0; left -= 1) at = endOfToken(line, at, end) + 1;
  return at;
}

function endOfToken(line: Uint8Array, start: number, end: number): number {
  let at = start;
  while (at < end && line[at] !== DOT) at += 1;
  return at;
}
