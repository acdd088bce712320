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
const ZERO = 0x30;

/** Digits of a time in nanoseconds that are less than a millisecond. */
const NANO_DIGITS = 6;

/**
 * Reads the reply subjects of one consumer's messages:
 * `$JS.ACK.<stream>.<consumer>.<deliveries>.<stream seq>.<consumer seq>.<time ns>.<pending>`; with a domain there are two
 * more tokens before the stream and may be one more at the end. Byte by byte, and only what differs from message to
 * message: split into strings it would be the dearest part of a load.
 */
export class DeliveryReader {
  /** Where the number of deliveries is: the same in all messages of a consumer. */
  #from = 0;

  read(reply: Uint8Array): Delivery {
    if (this.#from === 0) this.#from = startOfToken(reply, hasDomain(reply) ? 6 : 4);
    const seqAt = endOfToken(reply, this.#from) + 1;
    const seqEnd = endOfToken(reply, seqAt);
    const timeAt = endOfToken(reply, seqEnd + 1) + 1;
    const timeEnd = endOfToken(reply, timeAt);
    return {
      seq: readDigits(reply, seqAt, seqEnd),
      time: readDigits(reply, timeAt, timeEnd - NANO_DIGITS),
      pending: readDigits(reply, timeEnd + 1, endOfToken(reply, timeEnd + 1)),
    };
  }
}

/** The decimal number between two places. */
export function readDigits(bytes: Uint8Array, start: number, end = bytes.length): number {
  let number = 0;
  for (let at = start; at < end; at += 1) number = number * 10 + (bytes[at] ?? ZERO) - ZERO;
  return number;
}

function hasDomain(reply: Uint8Array): boolean {
  let dots = 0;
  for (let at = 0; at < reply.length; at += 1) if (reply[at] === DOT) dots += 1;
  return dots > 8;
}

function startOfToken(reply: Uint8Array, index: number): number {
  let at = 0;
  for (let left = index; left > 0; left -= 1) at = endOfToken(reply, at) + 1;
  return at;
}

function endOfToken(reply: Uint8Array, start: number): number {
  let at = start;
  while (at < reply.length && reply[at] !== DOT) at += 1;
  return at;
}
