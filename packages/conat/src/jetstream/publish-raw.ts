import { errors, type NatsConnection } from "@nats-io/nats-core";
import { NatsConnectionImpl } from "@nats-io/nats-core/internal";
import { ConatError } from "../protocol/conat-error.ts";
import type { Subject } from "../protocol/subjects.ts";

export interface OutgoingMessage {
  /** Of escaped names, so that nothing in it ends the line. */
  readonly subject: Subject;
  /** In ASCII, from `NATS/1.0` to the empty line. */
  readonly headers: string;
  readonly payload: Uint8Array;
}

const CR = 0x0d;
const LF = 0x0a;

/** @throws ConatError `internal`; the client library's error when the connection is closed for good */
export function checkOpen(
  connection: NatsConnection,
): asserts connection is NatsConnectionImpl & NatsConnection {
  if (!(connection instanceof NatsConnectionImpl)) {
    throw new ConatError("internal", "this version of the NATS client library is not known");
  }
  if (connection.isClosed()) throw new errors.ClosedConnectionError();
}

/**
 * Publishes a message as one piece of the protocol. The client library's own way encodes and keeps four, and looks
 * through subject and reply for what cannot be there: it costs more than all else that is done for a write.
 * @param reply where the answer goes, in the publisher's own inbox; "" for none
 * @throws as {@link checkOpen} does
 */
export function publishRaw(
  connection: NatsConnection,
  { subject, headers, payload }: OutgoingMessage,
  reply = "",
): void {
  checkOpen(connection);
  const to = reply === "" ? subject : `${subject} ${reply}`;
  const head = `HPUB ${to} ${headers.length} ${headers.length + payload.length}\r\n${headers}`;
  const piece = Buffer.allocUnsafe(head.length + payload.length + 2);
  piece.write(head, 0, "latin1");
  piece.set(payload, head.length);
  piece[piece.length - 2] = CR;
  piece[piece.length - 1] = LF;
  connection.protocol.sendCommand(piece);
}
