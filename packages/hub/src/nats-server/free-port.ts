import { createServer } from "node:net";

/**
 * Below every system's range for outgoing connections (Linux 32768 and up, others 49152): in that
 * range a client that reconnects to a server being restarted can be given the server's own port
 * as its source, connects to itself, and the server cannot have its port back.
 */
const FIRST_PORT = 20_000;
const LAST_PORT = 31_999;
const MAX_ATTEMPTS = 100;

/**
 * A loopback TCP port that nobody listens on, and that stays free while nobody takes it on
 * purpose, so that a server can be restarted on it.
 */
export async function pickFreePort(): Promise<number> {
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt += 1) {
    const port = FIRST_PORT + Math.floor(Math.random() * (LAST_PORT - FIRST_PORT + 1));
    if (await isFree(port)) {
      return port;
    }
  }
  throw new Error(`no free port between ${FIRST_PORT} and ${LAST_PORT}`);
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen({ port, host: "127.0.0.1", exclusive: true }, () => {
      server.close(() => resolve(true));
    });
  });
}
