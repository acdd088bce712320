import { ConatError } from "../protocol/conat-error.ts";

export interface HubAddress {
  readonly kind: "hub";
  /** Hubs of one system: `http:` or `https:`, whatever the way it was written. At least one. */
  readonly urls: readonly URL[];
  /** The address for people to read, without secrets. */
  readonly shown: string;
}

export interface NatsAddress {
  readonly kind: "nats";
  /** One or more `nats:` or `tls:` URLs of the servers of one cluster. */
  readonly servers: readonly string[];
  readonly shown: string;
}

const EXAMPLE = "write http://127.0.0.1:4400 for a hub or nats://127.0.0.1:4222 for NATS";

/**
 * @param address one URL or several; in one string they are separated by commas
 * @throws ConatError `bad-address`
 */
export function parseAddress(address: string | readonly string[]): HubAddress | NatsAddress {
  const given = String(address);
  const servers = given.split(",").map((server) => server.trim());
  const urls = servers.map(parseUrl);
  const secret = urls.some(({ username }) => username !== "");
  const shown = secret ? urls.map(({ protocol, host }) => `${protocol}//${host}`).join(",") : given;
  if (urls.every(({ protocol }) => protocol === "nats:" || protocol === "tls:")) {
    return { kind: "nats", servers, shown };
  }
  for (const url of urls) {
    url.protocol = url.protocol.replace(/^ws/, "http");
    if (url.protocol !== "http:" && url.protocol !== "https:") throw badAddress(shown, EXAMPLE);
    if (url.search !== "" || url.hash !== "" || url.username !== "") {
      throw badAddress(shown, "a hub's address is a host, a port and perhaps a path, nothing else");
    }
  }
  return { kind: "hub", urls, shown };
}

function parseUrl(server: string): URL {
  try {
    return new URL(server);
  } catch {
    throw badAddress(server, EXAMPLE);
  }
}

function badAddress(shown: string, advice: string): ConatError {
  return new ConatError("bad-address", `${JSON.stringify(shown)} is no address: ${advice}`);
}

/**
 * Where to connect when nobody says where: `CONAT_URL`, or the origin a page was loaded from.
 * @throws ConatError `bad-address` when there is neither
 */
export function defaultAddress(): string {
  const fromEnvironment = globalThis.process?.env?.CONAT_URL;
  if (fromEnvironment) return fromEnvironment;
  if (typeof location === "object" && location.origin.startsWith("http")) return location.origin;
  throw new ConatError(
    "bad-address",
    `no address: pass one to connect() or set CONAT_URL; ${EXAMPLE}`,
  );
}
