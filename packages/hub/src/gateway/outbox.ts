import type { HubEvents } from "@conat/conat/internal";
import type { Socket } from "socket.io";
import type { Tally } from "../observability/tally.ts";
import { type EventFrame, encodeEvent } from "./event-frame.ts";

type EngineSocket = Socket["conn"];

/** A connection whose outbox is this many times its bound is not worth keeping. */
const CUT_OFF_FACTOR = 4;

export interface OutboxOptions {
  readonly conn: EngineSocket;
  readonly maxBytes: number;
  readonly tally: Tally;
  /** Bytes have left; there may be room again. */
  readonly onDrain: () => void;
  /** The peer does not read at all, and what waits for it is beyond every bound. */
  readonly onOverflow: () => void;
}

/** The way to one client: knows how much waits to be read there. */
export class Outbox {
  readonly #conn: EngineSocket;
  readonly #websocket: { readonly bufferedAmount: number };
  readonly #maxBytes: number;
  readonly #tally: Tally;
  readonly #onOverflow: () => void;
  /** Bytes that Engine.IO holds back until the WebSocket takes them. */
  #heldBytes = 0;

  constructor({ conn, maxBytes, tally, onDrain, onOverflow }: OutboxOptions) {
    this.#conn = conn;
    this.#websocket = websocketOf(conn);
    this.#maxBytes = maxBytes;
    this.#tally = tally;
    this.#onOverflow = onOverflow;
    conn.on("flush", () => {
      this.#heldBytes = 0;
    });
    conn.transport.on("drain", onDrain);
  }

  /** Bytes given to this connection that the network has not taken yet. */
  get bytes(): number {
    return this.#heldBytes + this.#websocket.bufferedAmount;
  }

  /** The client reads more slowly than it is told things. */
  get isFull(): boolean {
    return this.bytes > this.#maxBytes;
  }

  send<Name extends keyof HubEvents>(event: Name, ...message: Parameters<HubEvents[Name]>): void {
    this.sendFrame(encodeEvent(event, ...message));
  }

  /** Sends what {@link encodeEvent} has made. */
  sendFrame(frame: EventFrame): void {
    if (this.#conn.readyState !== "open") return;
    this.#tally.framesOut += 1;
    this.#tally.bytesOut += frame.byteLength;
    this.#heldBytes += frame.byteLength;
    this.#conn.write(frame.payload, frame.options);
    if (this.#heldBytes > this.#maxBytes * CUT_OFF_FACTOR) this.#onOverflow();
  }
}

/** The types of Engine.IO hide the WebSocket of its only transport that this hub offers. */
function websocketOf(conn: EngineSocket): { readonly bufferedAmount: number } {
  const websocket: unknown = Reflect.get(conn.transport, "socket");
  if (!hasBufferedAmount(websocket)) throw new TypeError("the transport is not a WebSocket");
  return websocket;
}

function hasBufferedAmount(value: unknown): value is { readonly bufferedAmount: number } {
  return (
    typeof value === "object" &&
    value !== null &&
    "bufferedAmount" in value &&
    typeof value.bufferedAmount === "number"
  );
}
