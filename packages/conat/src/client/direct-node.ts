import { startJetstream } from "../jetstream/index.ts";
import { ConatError } from "../protocol/conat-error.ts";
import type { Session } from "../session/session.ts";
import type { ConnectOptions } from "./connect-options.ts";

/**
 * A session straight on NATS, which connects in the background.
 * @throws ConatError `bad-options`, `bad-address`
 */
export function openDirect(servers: readonly string[], options: ConnectOptions): Session {
  const { token, environment } = options;
  if (typeof token === "function") {
    throw new ConatError("bad-options", "NATS takes a token, not a function that is asked for one");
  }
  return startJetstream({
    servers,
    token,
    connectTimeoutMs: options.connectTimeoutMs,
    writeTimeoutMs: options.ackTimeoutMs,
    now: environment && (() => environment.now()),
    random: environment && (() => environment.random()),
  });
}
