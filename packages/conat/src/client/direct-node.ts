import { parseServers } from "../jetstream/address.ts";
import { startJetstream } from "../jetstream/index.ts";
import { ConatError } from "../protocol/conat-error.ts";
import { parseScope } from "../protocol/scope.ts";
import { HubSession } from "../session/hub-session.ts";
import type { Session } from "../session/session.ts";
import { createTunnelRoute } from "../tunnel/index.ts";
import type { ConnectOptions } from "./connect-options.ts";

/**
 * A session at NATS, which connects in the background: straight on it for a trusted backend, and through it to a hub
 * for a project's own backend, which may not touch what others share.
 * @throws ConatError `bad-options`, `bad-address`, `bad-name`
 */
export function openDirect(servers: readonly string[], options: ConnectOptions): Session {
  return options.project_id === undefined
    ? openTrusted(servers, options)
    : openThroughHub(servers, options.project_id, options);
}

function openTrusted(servers: readonly string[], options: ConnectOptions): Session {
  const { token, nkeySeed, environment } = options;
  if (typeof token === "function") {
    throw new ConatError("bad-options", "NATS takes a token, not a function that is asked for one");
  }
  return startJetstream({
    servers,
    token,
    nkeySeed,
    connectTimeoutMs: options.connectTimeoutMs,
    writeTimeoutMs: options.ackTimeoutMs,
    now: environment && (() => environment.now()),
    random: environment && (() => environment.random()),
  });
}

/** Stands in the requests that go through the tunnel where a host's name would. */
const HUB_BEHIND_NATS = new URL("http://conat-hub");

function openThroughHub(
  servers: readonly string[],
  project: string,
  options: ConnectOptions,
): Session {
  const addresses = parseServers(servers);
  if (
    addresses.user !== undefined ||
    addresses.token !== undefined ||
    options.nkeySeed !== undefined
  ) {
    throw new ConatError(
      "bad-options",
      "a project's backend signs in with its token: pass token, no nkeySeed, and leave it and passwords out of the address",
    );
  }
  const project_id = parseScope({ project_id: project }).id;
  return new HubSession({
    ...options,
    address: HUB_BEHIND_NATS,
    identity: { project_id },
    route: (token) => createTunnelRoute({ addresses, project_id, token }),
  });
}
