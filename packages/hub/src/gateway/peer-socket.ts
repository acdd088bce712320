import type { Socket } from "socket.io";

/** The WebSocket below a connection, as far as it is used past Engine.IO. */
export interface PeerSocket {
  /** Bytes that the network has not taken yet. */
  readonly bufferedAmount: number;
  /** Writes frames that are encoded already; `undefined` where the WebSocket offers no such way. */
  readonly sendFrame: ((encoded: Buffer, onSent: () => void) => void) | undefined;
}

interface Sender {
  sendFrame(buffers: readonly Buffer[], onSent: () => void): void;
}

/** The types of Engine.IO hide the WebSocket of its only transport that this hub offers. */
export function peerSocketOf(conn: Socket["conn"]): PeerSocket {
  const websocket: unknown = Reflect.get(conn.transport, "socket");
  if (!hasBufferedAmount(websocket)) throw new TypeError("the transport is not a WebSocket");
  // Engine.IO sends frames that were encoded beforehand in the same way.
  const sender: unknown = Reflect.get(websocket, "_sender");
  return {
    get bufferedAmount() {
      return websocket.bufferedAmount;
    },
    sendFrame: isSender(sender)
      ? (encoded, onSent) => sender.sendFrame([encoded], onSent)
      : undefined,
  };
}

function hasBufferedAmount(value: unknown): value is { readonly bufferedAmount: number } {
  return (
    typeof value === "object" &&
    value !== null &&
    "bufferedAmount" in value &&
    typeof value.bufferedAmount === "number"
  );
}

function isSender(value: unknown): value is Sender {
  return (
    typeof value === "object" &&
    value !== null &&
    "sendFrame" in value &&
    typeof value.sendFrame === "function"
  );
}
