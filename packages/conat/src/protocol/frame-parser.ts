import { pack, unpack } from "./msgpack.ts";

/**
 * Socket.IO parser that puts each packet into one MessagePack frame. The stock parser sends binary as two frames and
 * collects attachments without a bound; this one has none. Shape of a frame: `[type, namespace, data, id]`.
 */

interface Packet {
  type: number;
  nsp: string;
  data?: unknown;
  id?: number | undefined;
}

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
    const frame: unknown[] = [packet.type, packet.nsp, data];
    if (packet.id !== undefined) frame.push(packet.id);
    return [pack(frame)];
  }
}

export class Decoder {
  #listeners: PacketListener[] = [];

  /** @throws RangeError or Error when the frame is no packet; Socket.IO then closes the connection. */
  add(frame: unknown): void {
    if (!(frame instanceof Uint8Array) && !(frame instanceof ArrayBuffer)) {
      throw new Error("a frame must be binary");
    }
    const packet = toPacket(unpack(frame instanceof ArrayBuffer ? new Uint8Array(frame) : frame));
    for (const listener of [...this.#listeners]) listener(packet);
  }

  on(event: string, listener: PacketListener): this {
    if (event === "decoded") this.#listeners.push(listener);
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

/** Packet types of the Socket.IO protocol: CONNECT, DISCONNECT, EVENT, ACK, CONNECT_ERROR. */
const LAST_PACKET_TYPE = 4;
const EVENT = 2;

function toPacket(frame: unknown): Packet {
  if (!Array.isArray(frame)) throw new Error("a frame must be an array");
  const [type, nsp, data, id] = frame;
  const validType = Number.isInteger(type) && type >= 0 && type <= LAST_PACKET_TYPE;
  if (!validType || typeof nsp !== "string")
    throw new Error("a frame must begin with type and namespace");
  if (type >= EVENT && type < LAST_PACKET_TYPE && !Array.isArray(data)) {
    throw new Error("an event's data must be an array");
  }
  if (type === EVENT && typeof data[0] !== "string") throw new Error("an event must have a name");
  if (id !== undefined && id !== null && !Number.isSafeInteger(id)) {
    throw new Error("a packet id must be a whole number");
  }
  return { type, nsp, data, id: id ?? undefined };
}
