import { createServer, type Server as HttpServer, type RequestListener } from "node:http";
import type { Socket } from "node:net";
import { ConatError } from "@conat/conat/internal";

/** How long open connections may take to end by themselves, in milliseconds. */
const CLOSE_GRACE_MS = 500;

/** An HTTP server that listens, and ends when it is told to whatever its peers do. */
export interface HttpListener {
  readonly server: HttpServer;
  readonly port: number;
  close(): Promise<void>;
}

/**
 * @param requestTimeoutMs how long a peer may take to say what it wants; it may be half as long again until that is noticed
 * @throws ConatError `unavailable` when the address is taken, `bad-options` when it is none of this machine.
 */
export async function listenHttp(
  host: string,
  port: number,
  handler: RequestListener,
  requestTimeoutMs: number,
): Promise<HttpListener> {
  const timeouts = {
    headersTimeout: requestTimeoutMs,
    requestTimeout: requestTimeoutMs,
    connectionsCheckingInterval: requestTimeoutMs / 2,
  };
  const server = createServer(timeouts, handler);
  // An upgraded connection is none of the server's own any more; one whose peer is stuck would keep it open.
  const sockets = new Set<Socket>();
  server.on("connection", (socket: Socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
  });
  await new Promise<void>((resolve, reject) => {
    const onError = (error: Error): void => reject(toListenError(error, `${host}:${port}`));
    server.once("error", onError);
    server.listen(port, host, () => {
      server.off("error", onError);
      resolve();
    });
  });
  const address = server.address();
  return {
    server,
    port: typeof address === "object" && address !== null ? address.port : port,
    async close() {
      const closed = new Promise<void>((resolve) => void server.close(() => resolve()));
      server.closeIdleConnections();
      const timer = setTimeout(() => {
        for (const socket of sockets) socket.destroy();
      }, CLOSE_GRACE_MS);
      await closed;
      clearTimeout(timer);
    },
  };
}

function toListenError(cause: NodeJS.ErrnoException, where: string): ConatError {
  switch (cause.code) {
    case "EADDRINUSE":
      return new ConatError(
        "unavailable",
        `${where} is in use: stop the program that has it, or choose another port`,
        { cause },
      );
    case "EACCES":
      return new ConatError(
        "unavailable",
        `this user may not listen on ${where}: choose a port above 1023`,
        { cause },
      );
    default:
      return new ConatError("bad-options", `cannot listen on ${where}: ${cause.message}`, {
        cause,
      });
  }
}
