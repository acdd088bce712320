import { pack } from "./msgpack.ts";
import { decodePacket, encodePacket, type Packet } from "./packet.ts";

/**
 * A parser for Socket.IO's server that puts each packet into one frame. The stock one sends binary as two frames and
 * collects attachments without a bound; this one has none.
 */

/** An event's arguments encoded at most once, however many sockets it is emitted to. */
export class SharedArguments {
  readonly values: readonly unknown[];
  #frame: Uint8Array | undefined;

  constructor(values: readonly unknown[]) {
    this.values = values;
  }

  frame(packet: Packet, event: unknown): Uint8Array {
    this.#frame ??= pack([packet.type, packet.nsp, [event, ...this.values]]);
    return this.#frame;
  }
}

/** `component-emitter`, which Socket.IO expects of a decoder, reduced to what it uses of it. */
type PacketListener = (packet: Packet) => void;

export class Encoder {
  encode(packet: Packet): Uint8Array[] {
    const data = packet.data;
    if (Array.isArray(data) && data[1] instanceof SharedArguments) {
      return [data[1].frame(packet, data[0])];
    }
    return [encodePacket(packet)];
  }
}

export class Decoder {
  /** Replaced, never changed: a listener may take itself away, and an array that grows is mostly room. */
  #listeners: readonly PacketListener[] = [];

  /** @throws RangeError or Error when the frame is no packet; Socket.IO then closes the connection. */
  add(frame: unknown): void {
    this.tell(decodePacket(frame));
  }

  protected tell(packet: Packet): void {
    for (const listener of this.#listeners) listener(packet);
  }

  on(event: string, listener: PacketListener): this {
    if (event === "decoded") this.#listeners = this.#listeners.concat(listener);
    return this;
  }

  off(_event: string, listener?: PacketListener): this {
    this.#listeners = listener ? this.#listeners.filter((one) => one !== listener) : [];
    return this;
  }

  removeListener(event: string, listener: PacketListener): this {
    return this.off(event, listener);
  }

  removeAllListeners(): this {
    return this.off("");
  }

  destroy(): void {
    this.#listeners = [];
  }
}
