import type { Client } from "./client.ts";
import { connect } from "./connect.ts";

let current: Client | undefined;

/**
 * The client that `dkv()` and `PubSub` use when they are given none: the one that was set, or one for `CONAT_URL` or
 * the page's own origin, made when it is first needed.
 * @throws ConatError `bad-address` when there is no such address
 */
export function defaultClient(): Client {
  if (current === undefined || current.status.state === "closed") current = connect();
  return current;
}

/** Sets the default client of this process or page; `undefined` forgets it without closing it. */
export function setDefaultClient(client: Client | undefined): void {
  current = client;
}
