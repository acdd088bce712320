/**
 * What travels through a tunnel, one NATS message each: a kind, a number, and bytes. The number counts messages of
 * `data` and `end` from 1, so that one that got lost on the way is noticed; with `taken` it counts bytes.
 */
export interface TunnelMessage {
  readonly kind: TunnelMessageKind;
  readonly number: number;
  readonly bytes: Uint8Array;
}

/**
 * `welcome`: the hub's id, its first message. `data`: bytes. `taken`: so many bytes have been read. `end`: no more data
 * follows. `reset`: the tunnel is gone, with the reason.
 */
const KINDS = ["welcome", "data", "taken", "end", "reset"] as const;
export type TunnelMessageKind = (typeof KINDS)[number];

const HEADER_BYTES = 9;
const NO_BYTES = new Uint8Array();

export function encodeTunnelMessage(
  kind: TunnelMessageKind,
  number: number,
  bytes: Uint8Array = NO_BYTES,
): Uint8Array {
  const message = new Uint8Array(HEADER_BYTES + bytes.length);
  message[0] = KINDS.indexOf(kind);
  // Whole numbers up to 2^53 are exact.
  new DataView(message.buffer).setFloat64(1, number);
  message.set(bytes, HEADER_BYTES);
  return message;
}

/** `undefined` for what is no message of a tunnel. */
export function decodeTunnelMessage(message: Uint8Array): TunnelMessage | undefined {
  const kind = KINDS[message[0] ?? KINDS.length];
  if (kind === undefined || message.length < HEADER_BYTES) return undefined;
  const number = new DataView(message.buffer, message.byteOffset).getFloat64(1);
  if (!Number.isSafeInteger(number) || number < 0) return undefined;
  return { kind, number, bytes: message.subarray(HEADER_BYTES) };
}
