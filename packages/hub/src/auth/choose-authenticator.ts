import { ConatError } from "@conat/conat/internal";
import { parseServers } from "@conat/conat/jetstream";
import { isLoopbackHost } from "../gateway/origin-check.ts";
import type { Authenticator } from "./authenticator.ts";
import { DevelopmentAuthenticator } from "./development-authenticator.ts";
import type { JwtOptions } from "./jwt-authenticator.ts";

export interface AuthOptions {
  readonly dev: boolean;
  readonly host: string;
  readonly authenticator?: Authenticator | Authenticator["authenticate"] | undefined;
  readonly jwt?: JwtOptions | undefined;
  readonly allowedOrigins: readonly string[];
  readonly natsUrl?: string | undefined;
  /** There when projects' own backends are let in through that NATS. */
  readonly natsBackendKeys?: object | undefined;
}

/**
 * The one way in which clients prove who they are.
 * @throws ConatError `bad-options` when there is none, more than one, or one that protects nothing
 */
export async function chooseAuthenticator(options: AuthOptions): Promise<Authenticator> {
  const { dev, host, authenticator, jwt, allowedOrigins } = options;
  if (dev && !isLoopbackHost(host)) {
    throw new ConatError(
      "bad-options",
      `development mode believes whatever clients say, so it listens on loopback only, not on ${host}`,
    );
  }
  checkBackendsInDevelopment(options);
  if ([dev, authenticator, jwt].filter(Boolean).length > 1) {
    throw new ConatError(
      "bad-options",
      "clients prove who they are in one way, by dev, tokens or an authenticator: pass one of the two",
    );
  }
  if (dev) return new DevelopmentAuthenticator();
  if (typeof authenticator === "function") return { authenticate: authenticator };
  if (authenticator) return authenticator;
  if (jwt) {
    if (jwt.cookie !== undefined && allowedOrigins.includes("*")) {
      throw new ConatError(
        "bad-options",
        "with a cookie, any page in the world could act for its visitor: name the allowed origins instead of *",
      );
    }
    // What checks tokens takes a tenth of a hub's start to load, and not every hub has tokens.
    const { JwtAuthenticator } = await import("./jwt-authenticator.ts");
    return new JwtAuthenticator(jwt);
  }
  throw new ConatError(
    "bad-options",
    "nothing says how clients prove who they are: pass a secret or a JWKS URL for tokens (--jwt-secret, --jwks-url), an authenticator, or dev (--dev) to believe clients on loopback",
  );
}

/** Whoever reaches NATS, from wherever, may come in through it. */
function checkBackendsInDevelopment({ dev, natsUrl, natsBackendKeys }: AuthOptions): void {
  if (!dev || natsUrl === undefined || natsBackendKeys === undefined) return;
  const { servers, shown } = parseServers(natsUrl);
  if (servers.every((server) => isLoopbackHost(server.replace(/:\d+$/, "")))) return;
  throw new ConatError(
    "bad-options",
    `development mode believes whatever backends say, so it lets them in only through NATS on loopback, not ${shown}: ` +
      "leave the backend keys away, or use tokens",
  );
}
