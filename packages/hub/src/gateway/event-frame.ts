import { type HubEvents, packWith } from "@conat/conat/internal";

/** Socket.IO's number for an event packet. */
const EVENT = 2;
const NAMESPACE = "/";

/**
 * One event as it goes over the wire, the same for every connection. It is a WebSocket frame already, header and
 * payload in one buffer: a connection that it is given to has one thing to write, and nothing to compute.
 */
export class EventFrame {
  /** Of the payload. */
  readonly byteLength: number;
  /** Header and payload, as what writes them takes them. */
  readonly encoded: readonly [Buffer];

  constructor(payload: Uint8Array) {
    const headerBytes = payload.length < 126 ? 2 : payload.length < 65_536 ? 4 : 10;
    const frame = Buffer.allocUnsafe(headerBytes + payload.length);
    writeHeader(frame, payload.length);
    frame.set(payload, headerBytes);
    this.encoded = [frame];
    this.byteLength = payload.length;
  }

  get payload(): Buffer {
    const [frame] = this.encoded;
    return frame.subarray(frame.length - this.byteLength);
  }

  /** For Engine.IO, which frames the payload itself where it cannot take the frame. */
  get options(): { readonly compress: false; readonly wsPreEncodedFrame: readonly [Buffer] } {
    return { compress: false, wsPreEncodedFrame: this.encoded };
  }
}

/** Header of an unmasked binary message in one frame: RFC 6455, section 5.2. */
function writeHeader(frame: Buffer, length: number): void {
  frame[0] = 0x82;
  if (length < 126) {
    frame[1] = length;
  } else if (length < 65_536) {
    frame[1] = 126;
    frame.writeUInt16BE(length, 2);
  } else {
    frame[1] = 127;
    frame.writeBigUInt64BE(BigInt(length), 2);
  }
}

/** One event for any number of connections. */
export function encodeEvent<Name extends keyof HubEvents>(
  event: Name,
  ...message: Parameters<HubEvents[Name]>
): EventFrame {
  return packWith([EVENT, NAMESPACE, [event, ...message]], toFrame);
}

function toFrame(payload: Uint8Array): EventFrame {
  return new EventFrame(payload);
}
