import { ConatError } from "../protocol/conat-error.ts";

/** Where the servers are, and who to be there, as far as the addresses say. */
export interface ServerAddresses {
  /** `host:port` of each server. */
  readonly servers: readonly string[];
  readonly tls: boolean;
  readonly user: string | undefined;
  readonly pass: string | undefined;
  readonly token: string | undefined;
  /** The addresses without secrets, for messages to people. */
  readonly shown: string;
}

const DEFAULT_PORT = "4222";

/** Reads addresses such as `nats://127.0.0.1:4222` or `tls://user:password@nats.example.org`. @throws ConatError `bad-address` */
export function parseServers(servers: string | readonly string[]): ServerAddresses {
  const list = (typeof servers === "string" ? servers.split(",") : servers)
    .map((address) => address.trim())
    .filter((address) => address !== "");
  const urls = list.map(parseAddress);
  const [first] = urls;
  if (first === undefined) {
    throw new ConatError("bad-address", "no NATS address given, such as nats://127.0.0.1:4222");
  }
  if (urls.some((url) => url.protocol !== first.protocol)) {
    throw new ConatError("bad-address", "NATS addresses must all be nats:// or all be tls://");
  }
  const name = decodeURIComponent(first.username);
  const pass = decodeURIComponent(first.password);
  const hosts = urls.map((url) => `${url.hostname}:${url.port || DEFAULT_PORT}`);
  return {
    servers: hosts,
    tls: first.protocol === "tls:",
    user: pass === "" ? undefined : name,
    pass: pass === "" ? undefined : pass,
    token: pass === "" && name !== "" ? name : undefined,
    shown: hosts.map((host) => `${first.protocol}//${host}`).join(","),
  };
}

function parseAddress(address: string): URL {
  let url: URL;
  try {
    url = new URL(address);
  } catch (cause) {
    throw new ConatError(
      "bad-address",
      `not a NATS address: ${address}; write nats://host:port or tls://host:port`,
      { cause },
    );
  }
  if ((url.protocol !== "nats:" && url.protocol !== "tls:") || url.hostname === "") {
    throw new ConatError(
      "bad-address",
      `not a NATS address: ${url.protocol}//${url.host}; write nats://host:port or tls://host:port`,
    );
  }
  return url;
}
