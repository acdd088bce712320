/** Packet types of Socket.IO that a client may send: it asks the hub for no acknowledgements. */
export const PACKET = { connect: 0, disconnect: 1, event: 2 } as const;

/**
 * The type of the packet that a client's frame is. Socket.IO relies on its parser for what is checked here: it falls
 * over a CONNECT without an object, and answers every namespace it is asked for with the name it was given.
 * @throws RangeError when the frame is not `[type, "/"]` or `[type, "/", data]`, or not whole.
 */
export function checkFrame(frame: Uint8Array): number {
  const [array, type, namespaceLength, namespace, data = 0] = frame;
  const isArray = array === FIXED_ARRAY + 2 || array === FIXED_ARRAY + 3;
  if (!isArray || type === undefined || type > PACKET.event) {
    throw new RangeError("a frame must be a packet that a client may send");
  }
  if (namespaceLength !== FIXED_STRING + 1 || namespace !== SLASH) {
    throw new RangeError("there is only the main namespace");
  }
  if (type === PACKET.connect && !isMap(data)) {
    throw new RangeError("a handshake must be an object");
  }
  assertWholeValue(frame);
  return type;
}

const FIXED_MAP = 0x80;
const FIXED_ARRAY = 0x90;
const FIXED_STRING = 0xa0;
const MAP_16 = 0xde;
const MAP_32 = 0xdf;
const SLASH = 0x2f;

function isMap(head: number): boolean {
  return (head >= FIXED_MAP && head < FIXED_ARRAY) || head === MAP_16 || head === MAP_32;
}

/**
 * Throws unless `frame` is one whole MessagePack value. A decoder believes the length that a container states and
 * makes room for it before it looks further: fifty bytes can ask for gigabytes. In a whole value every element takes at
 * least a byte, so that what a frame can ask for is bounded by its own size.
 * @throws RangeError
 */
export function assertWholeValue(frame: Uint8Array): void {
  const view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength);
  const end = frame.byteLength;
  let at = 0;
  let missing = 1;
  while (missing > 0) {
    // DataView throws a RangeError of its own where the frame ends too early.
    const head = view.getUint8(at);
    at += 1;
    missing -= 1;
    if (head <= 0x7f || head >= 0xe0) continue;
    if (head <= 0x8f) missing += 2 * (head & 0x0f);
    else if (head <= 0x9f) missing += head & 0x0f;
    else if (head <= 0xbf) at += head & 0x1f;
    else {
      switch (head) {
        case 0xc0: // nil
        case 0xc2: // false
        case 0xc3: // true
          break;
        case 0xcc: // uint 8
        case 0xd0: // int 8
          at += 1;
          break;
        case 0xcd: // uint 16
        case 0xd1: // int 16
        case 0xd4: // fixext 1
          at += 2;
          break;
        case 0xd5: // fixext 2
          at += 3;
          break;
        case 0xca: // float 32
        case 0xce: // uint 32
        case 0xd2: // int 32
          at += 4;
          break;
        case 0xd6: // fixext 4
          at += 5;
          break;
        case 0xcb: // float 64
        case 0xcf: // uint 64
        case 0xd3: // int 64
          at += 8;
          break;
        case 0xd7: // fixext 8
          at += 9;
          break;
        case 0xd8: // fixext 16
          at += 17;
          break;
        case 0xc4: // bin 8
        case 0xd9: // str 8
          at += 1 + view.getUint8(at);
          break;
        case 0xc5: // bin 16
        case 0xda: // str 16
          at += 2 + view.getUint16(at);
          break;
        case 0xc6: // bin 32
        case 0xdb: // str 32
          at += 4 + view.getUint32(at);
          break;
        case 0xc7: // ext 8
          at += 2 + view.getUint8(at);
          break;
        case 0xc8: // ext 16
          at += 3 + view.getUint16(at);
          break;
        case 0xc9: // ext 32
          at += 5 + view.getUint32(at);
          break;
        case 0xdc: // array 16
          missing += view.getUint16(at);
          at += 2;
          break;
        case 0xdd: // array 32
          missing += view.getUint32(at);
          at += 4;
          break;
        case 0xde: // map 16
          missing += 2 * view.getUint16(at);
          at += 2;
          break;
        case 0xdf: // map 32
          missing += 2 * view.getUint32(at);
          at += 4;
          break;
        default:
          throw new RangeError("a frame holds a byte that begins no value");
      }
    }
    if (missing > end - at) throw new RangeError("a frame is shorter than it says");
  }
  if (at !== end) throw new RangeError("a frame holds more than one value");
}
