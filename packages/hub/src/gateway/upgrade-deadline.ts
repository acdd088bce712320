import type { EventEmitter } from "node:events";
import type { Server as HttpServer, IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";

export interface UpgradeDeadline {
  readonly http: HttpServer;
  /** Engine.IO's server, which says when it has opened a WebSocket. */
  readonly engine: Pick<EventEmitter, "on">;
  readonly isTunnel: (socket: Duplex) => boolean;
  /** How long a tunnel, or who asks for a WebSocket, may be there without one, in milliseconds. */
  readonly timeoutMs: number;
}

/**
 * Ends connections without the WebSocket that they are there for. The HTTP server sees only to what is not upgraded, by
 * timeouts that tunnels do not have; Engine.IO only to who has never been sent a byte.
 */
export function limitUpgrades({ http, engine, isTunnel, timeoutMs }: UpgradeDeadline): void {
  const waiting = new WeakMap<Duplex, () => void>();
  const wait = (socket: Duplex): void => {
    if (waiting.has(socket)) return;
    const timer = setTimeout(() => socket.destroy(), timeoutMs).unref();
    const stop = (): void => {
      clearTimeout(timer);
      // Of each client that stays, nothing stays here.
      socket.off("close", stop);
      waiting.delete(socket);
    };
    waiting.set(socket, stop);
    socket.once("close", stop);
  };
  http.on("connection", (socket: Duplex) => {
    if (isTunnel(socket)) wait(socket);
  });
  // Before Engine.IO, which may be done with it.
  http.prependListener("upgrade", (_request: IncomingMessage, socket: Duplex) => wait(socket));
  engine.on("connection", ({ request }: { readonly request: IncomingMessage }) => {
    waiting.get(request.socket)?.();
  });
}
