import { pack, unpack } from "./msgpack.ts";

/** Kinds of packets in the Socket.IO protocol. */
export const CONNECT = 0;
export const DISCONNECT = 1;
export const EVENT = 2;
export const CONNECT_ERROR = 4;

/** A packet of the Socket.IO protocol. It travels as one MessagePack frame `[type, namespace, data, id]`. */
export interface Packet {
  type: number;
  nsp: string;
  data?: unknown;
  id?: number | undefined;
}

export interface EventPacket extends Packet {
  data: [event: string, ...message: unknown[]];
}

/** Of what {@link decodePacket} returns. */
export function isEvent(packet: Packet): packet is EventPacket {
  return packet.type === EVENT;
}

export function encodePacket({ type, nsp, data, id }: Packet): Uint8Array<ArrayBuffer> {
  return pack(id === undefined ? [type, nsp, data] : [type, nsp, data, id]);
}

/** @throws RangeError or TypeError when the frame is no packet */
export function decodePacket(frame: unknown): Packet {
  const bytes = frame instanceof ArrayBuffer ? new Uint8Array(frame) : frame;
  const parts = bytes instanceof Uint8Array ? unpack(bytes) : undefined;
  const [type, nsp, data, id] = Array.isArray(parts) ? parts : [];
  const isPacket =
    Number.isInteger(type) &&
    type >= CONNECT &&
    type <= CONNECT_ERROR &&
    typeof nsp === "string" &&
    (type < EVENT || type === CONNECT_ERROR || Array.isArray(data)) &&
    (type !== EVENT || typeof data[0] === "string") &&
    (id === undefined || id === null || Number.isSafeInteger(id));
  if (!isPacket) throw new TypeError("a frame must be binary: [type, namespace, data, id]");
  return { type, nsp, data, id: id ?? undefined };
}
