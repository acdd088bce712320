import { Decoder } from "@conat/conat/internal";
import type { Tally } from "../observability/tally.ts";
import { checkFrame, PACKET } from "./frame-guard.ts";

/**
 * The decoder for a hub's side of a connection, as Socket.IO constructs it, one for each: strangers' bytes go through
 * the guard, and a connection shakes hands once.
 */
export function createGuardedDecoder(tally: Tally): typeof Decoder {
  return class GuardedDecoder extends Decoder {
    #hasConnected = false;

    override add(frame: unknown): void {
      try {
        if (!(frame instanceof Uint8Array)) throw new TypeError("a frame must be binary");
        tally.framesIn += 1;
        tally.bytesIn += frame.byteLength;
        const type = checkFrame(frame);
        if (type === PACKET.connect) {
          if (this.#hasConnected) throw new RangeError("a connection shakes hands once");
          this.#hasConnected = true;
        }
        super.add(frame);
      } catch (error) {
        tally.countIgnored("bad-frame");
        throw error;
      }
    }
  };
}
