import type { Session } from "../session/session.ts";
import { hostEnvironment } from "../transport/environment.ts";
import type { ConnectOptions } from "./connect-options.ts";
import { DeferredSession } from "./deferred-session.ts";

/** How long one attempt to reach NATS may take, in milliseconds. */
const CONNECT_TIMEOUT_MS = 10_000;

/** A session straight on NATS. Its module, and the NATS client's, are loaded only now. */
export function openDirect(servers: readonly string[], options: ConnectOptions): Session {
  const { token, ackTimeoutMs } = options;
  const environment = options.environment ?? hostEnvironment;
  const connectTimeoutMs = options.connectTimeoutMs ?? CONNECT_TIMEOUT_MS;
  const open = async (): Promise<Session> => {
    const { openJetstream } = await import("../jetstream/index.ts");
    return openJetstream({
      servers,
      token: typeof token === "function" ? await token() : token,
      connectTimeoutMs,
      writeTimeoutMs: ackTimeoutMs,
      now: () => environment.now(),
      random: () => environment.random(),
    });
  };
  return new DeferredSession(environment, open, {
    renewable: typeof token === "function",
    // It has a deadline of its own, which says more about what is missing.
    connectTimeoutMs: 2 * connectTimeoutMs,
  });
}
