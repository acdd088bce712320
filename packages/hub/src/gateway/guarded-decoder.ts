import { Decoder, decodePacket, isEvent } from "@conat/conat/internal";
import type { Socket } from "socket.io";
import type { Tally } from "../observability/tally.ts";
import { checkFrame, PACKET } from "./frame-guard.ts";

/** Takes an event of a client, and the size of the frame that it came in. */
export type EventTaker = (event: string, message: unknown[], bytes: number) => void;

/**
 * The decoder for a hub's side of a connection: strangers' bytes go through the guard, and a connection shakes hands
 * once. After that its events go straight to who has asked for them, past Socket.IO, which would look each up, copy it,
 * and take two turns of its own for middlewares that nobody has.
 */
export class GuardedDecoder extends Decoder {
  /** Without one Socket.IO gets the events, and closes a connection that has not been let in. */
  takeEvent: EventTaker | undefined;
  readonly #tally: Tally;
  #hasConnected = false;

  constructor(tally: Tally) {
    super();
    this.#tally = tally;
  }

  override add(frame: unknown): void {
    try {
      if (!(frame instanceof Uint8Array)) throw new TypeError("a frame must be binary");
      this.#tally.framesIn += 1;
      this.#tally.bytesIn += frame.byteLength;
      const type = checkFrame(frame);
      if (type === PACKET.connect) {
        if (this.#hasConnected) throw new RangeError("a connection shakes hands once");
        this.#hasConnected = true;
      }
      // Socket.IO ends the connection in the next tick: what came in one piece with the farewell is left to it, too.
      if (type === PACKET.disconnect) this.takeEvent = undefined;
      const packet = decodePacket(frame);
      const { takeEvent } = this;
      if (takeEvent !== undefined && isEvent(packet)) {
        const [event, ...message] = packet.data;
        takeEvent(event, message, frame.byteLength);
      } else {
        this.tell(packet);
      }
    } catch (error) {
      this.#tally.countIgnored("bad-frame");
      throw error;
    }
  }
}

/** As Socket.IO constructs it, one for each connection. */
export function guardedDecoderClass(tally: Tally): typeof Decoder {
  return class extends GuardedDecoder {
    constructor() {
      super(tally);
    }
  };
}

/** The decoder of a connection, which Socket.IO's types hide. */
export function guardedDecoderOf(socket: Socket): GuardedDecoder {
  const decoder: unknown = Reflect.get(socket.client, "decoder");
  if (!(decoder instanceof GuardedDecoder)) throw new TypeError("Socket.IO decodes in another way");
  return decoder;
}
