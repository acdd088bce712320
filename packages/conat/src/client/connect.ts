import { openDirect } from "#direct";
import { HubSession } from "../session/hub-session.ts";
import { defaultAddress, parseAddress } from "./address.ts";
import { Client } from "./client.ts";
import type { ConnectOptions } from "./connect-options.ts";

/**
 * A client of the hub or NATS server at an address. Returns at once and connects by itself, again whenever the
 * connection is lost; stores and channels can be opened meanwhile.
 * @throws ConatError `bad-address`, `bad-options`, `bad-name`
 */
export function connect(options?: ConnectOptions): Client;
export function connect(address: string, options?: Omit<ConnectOptions, "address">): Client;
export function connect(
  target: string | ConnectOptions = {},
  further: Omit<ConnectOptions, "address"> = {},
): Client {
  const options = typeof target === "string" ? { ...further, address: target } : target;
  const address = parseAddress(options.address ?? defaultAddress());
  if (address.kind === "nats")
    return new Client(address.shown, openDirect(address.servers, options));
  const { project_id, identity = project_id === undefined ? undefined : { project_id } } = options;
  return new Client(address.shown, new HubSession({ ...options, identity, address: address.urls }));
}
