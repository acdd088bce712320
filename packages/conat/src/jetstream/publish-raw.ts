import { errors, type NatsConnection } from "@nats-io/nats-core";
import { NatsConnectionImpl } from "@nats-io/nats-core/internal";
import { ConatError } from "../protocol/conat-error.ts";
import type { Subject } from "../protocol/subjects.ts";

export interface OutgoingMessage {
  /** Of escaped names, so that nothing in it ends the line. */
  readonly subject: Subject;
  /** Where the answer goes, in the publisher's own inbox; "" for none. */
  readonly reply: string;
  /** In ASCII, from `NATS/1.0` to the empty line. */
  readonly headers: string;
  readonly payload: Uint8Array;
}

const CR = 0x0d;
const LF = 0x0a;
const CRLF_BYTES = 2;

/** @throws ConatError `internal`; the client library's error when the connection is closed for good */
export function checkOpen(
  connection: NatsConnection,
): asserts connection is NatsConnectionImpl & NatsConnection {
  if (!(connection instanceof NatsConnectionImpl)) {
    throw new ConatError("internal", "this version of the NATS client library is not known");
  }
  if (connection.isClosed()) throw new errors.ClosedConnectionError();
}

/** Messages that leave together are joined up to about this many bytes, which costs less than handing over each. */
const PIECE_BYTES = 65_536;

/**
 * Publishes messages, in order. The client library's own way makes four pieces of the protocol of each, and looks
 * through subject and reply for what cannot be there: it costs more than all else that is done for a write.
 * @throws as {@link checkOpen} does
 */
export function publishRaw(connection: NatsConnection, messages: readonly OutgoingMessage[]): void {
  checkOpen(connection);
  let parts: (string | Uint8Array)[] = [];
  let bytes = 0;
  for (const message of messages) {
    const head = headOf(message);
    parts.push(head, message.payload);
    bytes += head.length + message.payload.length + CRLF_BYTES;
    if (bytes < PIECE_BYTES) continue;
    connection.protocol.sendCommand(join(parts, bytes));
    parts = [];
    bytes = 0;
  }
  if (bytes > 0) connection.protocol.sendCommand(join(parts, bytes));
}

function headOf({ subject, reply, headers, payload }: OutgoingMessage): string {
  const to = reply === "" ? subject : `${subject} ${reply}`;
  return `HPUB ${to} ${headers.length} ${headers.length + payload.length}\r\n${headers}`;
}

/** @param parts head and payload of each message in turn */
function join(parts: readonly (string | Uint8Array)[], bytes: number): Buffer {
  const piece = Buffer.allocUnsafe(bytes);
  let end = 0;
  for (const part of parts) {
    if (typeof part === "string") {
      end += piece.write(part, end, "latin1");
    } else {
      piece.set(part, end);
      end += part.length;
      piece[end++] = CR;
      piece[end++] = LF;
    }
  }
  return piece;
}
