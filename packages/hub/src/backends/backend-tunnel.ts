import type { Duplex } from "node:stream";
import { TunnelStream } from "@conat/conat/tunnel";

/** A project's backend that comes through NATS: for the hub's HTTP server a connection like any other. */
export class BackendTunnel extends TunnelStream {
  /** Whose it is, as the NATS server has made sure. */
  readonly project_id: string;

  constructor(project_id: string, send: (message: Uint8Array) => void) {
    super(send);
    this.project_id = project_id;
  }

  /** Stands where a network address would: what an address may use, here a project's backends may use together. */
  get remoteAddress(): string {
    return `nats/${this.project_id}`;
  }
}

/** The project whose backend a connection is of; undefined for one over TCP. */
export function tunnelProjectOf(socket: Duplex): string | undefined {
  return socket instanceof BackendTunnel ? socket.project_id : undefined;
}
