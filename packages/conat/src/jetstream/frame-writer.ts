import { errors, type NatsConnection } from "@nats-io/nats-core";
import { NatsConnectionImpl, type ProtocolHandler } from "@nats-io/nats-core/internal";
import { ConatError } from "../protocol/conat-error.ts";

/** @throws ConatError `internal`; the client library's error when the connection is closed for good */
export function checkOpen(
  connection: NatsConnection,
): asserts connection is NatsConnectionImpl & NatsConnection {
  if (!(connection instanceof NatsConnectionImpl)) {
    throw new ConatError("internal", "this version of the NATS client library is not known");
  }
  if (connection.isClosed()) throw new errors.ClosedConnectionError();
}

/** Messages that leave together are one piece up to about this many bytes, which costs less than handing over each. */
const PIECE_BYTES = 65_536;

const ZERO = 0x30;

/** Of a connection. */
type Protocol = Pick<ProtocolHandler, "sendCommand">;

/**
 * Writes messages as the protocol has them, in order. The client library's own way makes four pieces of each, and looks
 * through subject and reply for what cannot be there; as text each would be joined, and copied, several times.
 */
export class FrameWriter {
  readonly #protocol: Protocol;
  #left: number;
  #piece = Buffer.alloc(0);
  #end = 0;

  /** @param bytes of all that will be written, at most */
  constructor(protocol: Protocol, bytes: number) {
    this.#protocol = protocol;
    this.#left = bytes;
  }

  /** Makes room for a message of so many bytes, at most. */
  begin(bytes: number): void {
    if (this.#end + bytes > this.#piece.length) {
      this.send();
      this.#piece = Buffer.allocUnsafe(Math.max(bytes, Math.min(this.#left, PIECE_BYTES)));
    }
    this.#left -= bytes;
  }

  /** In ASCII. Byte by byte, which for short text costs less than a call of Node's. */
  text(text: string): void {
    const piece = this.#piece;
    const start = this.#end;
    for (let at = 0; at < text.length; at += 1) piece[start + at] = text.charCodeAt(at);
    this.#end = start + text.length;
  }

  /** A whole number that is not negative, in decimals. */
  number(number: number): void {
    this.#end += digitsOf(number);
    let at = this.#end;
    for (let rest = number, tens = 0; at === this.#end || rest > 0; rest = tens) {
      tens = Math.floor(rest / 10);
      at -= 1;
      this.#piece[at] = ZERO + (rest - tens * 10);
    }
  }

  bytes(bytes: Uint8Array): void {
    this.#piece.set(bytes, this.#end);
    this.#end += bytes.length;
  }

  /** Hands over what is written. */
  send(): void {
    if (this.#end === 0) return;
    this.#protocol.sendCommand(this.#piece.subarray(0, this.#end));
    this.#piece = Buffer.alloc(0);
    this.#end = 0;
  }
}

/** How many decimals a whole number has. */
export function digitsOf(number: number): number {
  let digits = 1;
  for (let rest = number; rest >= 10; rest = Math.floor(rest / 10)) digits += 1;
  return digits;
}
