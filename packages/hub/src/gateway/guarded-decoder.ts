import { Decoder } from "@conat/conat/internal";
import type { Tally } from "../observability/tally.ts";
import { assertWholeValue } from "./frame-guard.ts";

/** The decoder for a hub's side of a connection, as Socket.IO constructs it: strangers' bytes go through the guard. */
export function createGuardedDecoder(tally: Tally): typeof Decoder {
  return class GuardedDecoder extends Decoder {
    override add(frame: unknown): void {
      try {
        if (!(frame instanceof Uint8Array)) throw new TypeError("a frame must be binary");
        tally.framesIn += 1;
        tally.bytesIn += frame.byteLength;
        assertWholeValue(frame);
        super.add(frame);
      } catch (error) {
        tally.countIgnored("bad-frame");
        throw error;
      }
    }
  };
}
