import { Agent } from "node:http";
import type { Duplex } from "node:stream";
import { toConatError } from "../protocol/conat-error.ts";
import type { HubRoute } from "../transport/hub-link.ts";
import { openTunnel, type TunnelOptions } from "./open-tunnel.ts";

/** The route of one attempt to reach a hub through NATS. */
export function createTunnelRoute(options: TunnelOptions): HubRoute {
  return { agent: new TunnelAgent(options), shown: options.addresses.shown };
}

/** Gives HTTP, and so WebSocket, a tunnel where it asks for a TCP connection. */
class TunnelAgent extends Agent {
  readonly #options: TunnelOptions;

  constructor(options: TunnelOptions) {
    super({ keepAlive: false });
    this.#options = options;
  }

  override createConnection(
    _options: unknown,
    callback?: (error: Error | null, stream: Duplex) => void,
  ): undefined {
    // Its type asks for a stream even beside an error.
    const fail = callback as ((error: Error) => void) | undefined;
    openTunnel(this.#options).then(
      (stream) => {
        // Over already: whoever asked for it would never hear of it.
        if (stream.destroyed)
          fail?.(toConatError(stream.errored ?? "it was closed", "unavailable"));
        else callback?.(null, stream);
      },
      (thrown: unknown) => fail?.(toConatError(thrown, "unavailable")),
    );
    return undefined;
  }
}
