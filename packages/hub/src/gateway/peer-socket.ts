import type { Socket } from "socket.io";

interface Buffering {
  readonly bufferedAmount: number;
}

interface Sender {
  sendFrame(buffers: readonly Buffer[], onSent: () => void): void;
}

/** The WebSocket below a connection, as far as it is used past Engine.IO. */
export class PeerSocket {
  readonly #websocket: Buffering;
  readonly #sender: Sender | undefined;

  constructor(websocket: Buffering, sender: Sender | undefined) {
    this.#websocket = websocket;
    this.#sender = sender;
  }

  /** Bytes that the network has not taken yet. */
  get bufferedAmount(): number {
    return this.#websocket.bufferedAmount;
  }

  /** Whether the WebSocket offers a way for {@link sendFrame}. */
  get takesFrames(): boolean {
    return this.#sender !== undefined;
  }

  /** Writes frames that are encoded already. */
  sendFrame(encoded: readonly [Buffer], onSent: () => void): void {
    this.#sender?.sendFrame(encoded, onSent);
  }
}

/** The types of Engine.IO hide the WebSocket of its only transport that this hub offers. */
export function peerSocketOf(conn: Socket["conn"]): PeerSocket {
  const websocket: unknown = Reflect.get(conn.transport, "socket");
  if (!hasBufferedAmount(websocket)) throw new TypeError("the transport is not a WebSocket");
  // Engine.IO sends frames that were encoded beforehand in the same way.
  const sender: unknown = Reflect.get(websocket, "_sender");
  return new PeerSocket(websocket, isSender(sender) ? sender : undefined);
}

function hasBufferedAmount(value: unknown): value is Buffering {
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
