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

export function encodePacket({ type, nsp, data, id }: Packet): Uint8Array {
  return pack(id === undefined ? [type, nsp, data] : [type, nsp, data, id]);
}

/** @throws RangeError, TypeError or Error when the frame is no packet */
export function decodePacket(frame: unknown): Packet {
  if (frame instanceof ArrayBuffer) return toPacket(unpack(new Uint8Array(frame)));
  if (frame instanceof Uint8Array) return toPacket(unpack(frame));
  throw new Error("a frame must be binary");
}

function toPacket(frame: unknown): Packet {
  if (!Array.isArray(frame)) throw new Error("a frame must be an array");
  const [type, nsp, data, id] = frame;
  const validType = Number.isInteger(type) && type >= 0 && type <= CONNECT_ERROR;
  if (!validType || typeof nsp !== "string")
    throw new Error("a frame must begin with type and namespace");
  if (type >= EVENT && type < CONNECT_ERROR && !Array.isArray(data)) {
    throw new Error("an event's data must be an array");
  }
  if (type === EVENT && typeof data[0] !== "string") throw new Error("an event must have a name");
  if (id !== undefined && id !== null && !Number.isSafeInteger(id)) {
    throw new Error("a packet id must be a whole number");
  }
  return { type, nsp, data, id: id ?? undefined };
}
