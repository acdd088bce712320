import { openDirect } from "#direct";
import { HubSession } from "../session/hub-session.ts";
import { defaultAddress, parseAddress } from "./address.ts";
import { Client } from "./client.ts";
import type { ConnectOptions } from "./connect-options.ts";

/**
 * A client of the hub or NATS server at an address. Returns at once and connects by itself, again whenever the
 * connection is lost; stores and channels can be opened meanwhile.
 * @throws ConatError `bad-address`
 */
export function connect(target: string | ConnectOptions = {}): Client {
  const options = typeof target === "string" ? { address: target } : target;
  const address = parseAddress(options.address ?? defaultAddress());
  const session =
    address.kind === "hub"
      ? new HubSession({ ...options, address: address.urls })
      : openDirect(address.servers, options);
  return new Client(address.shown, session);
}
