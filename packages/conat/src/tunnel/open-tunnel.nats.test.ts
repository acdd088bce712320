import type { Agent } from "node:http";
import { get } from "node:http";
import { connect, type NatsConnection } from "@nats-io/transport-node";
import { afterEach, beforeEach, expect, it } from "vitest";
import { parseServers } from "../jetstream/address.ts";
import { decodeTunnelSubject, tunnelFilters, tunnelSubjects } from "../protocol/subjects.ts";
import { useTestNats } from "../testing/use-test-nats.ts";
import { openTunnel, type TunnelOptions } from "./open-tunnel.ts";
import { encodeTunnelMessage } from "./tunnel-message.ts";
import { createTunnelRoute } from "./tunnel-route.ts";

/** A hub that welcomes everybody, and says in the same breath that it is over. */
const nats = useTestNats();
let hub: NatsConnection;
beforeEach(async () => {
  hub = await connect({ port: nats().port });
  hub.subscribe(tunnelFilters("hub").open, {
    callback: (_error, { subject }) => {
      const from = decodeTunnelSubject(subject);
      if (from === undefined) return;
      const { down } = tunnelSubjects(from.project_id, from.connection);
      hub.publish(down, encodeTunnelMessage("welcome", 0, Buffer.from("hub")));
      hub.publish(down, encodeTunnelMessage("reset", 0, Buffer.from("changed my mind")));
    },
  });
  await hub.flush();
});
afterEach(() => hub.close());

function options(): TunnelOptions {
  return { addresses: parseServers(nats().url), project_id: "p", token: undefined };
}

it("a tunnel that ends before anybody listens to it ends nothing else", async () => {
  const tunnel = await openTunnel(options());
  expect(tunnel.errored?.message).toBe("changed my mind");
});

it("a request over such a tunnel hears why", async () => {
  const { agent } = createTunnelRoute(options());
  const failure = await new Promise((resolve) => {
    get({ agent: agent as Agent, host: "hub" }).on("error", resolve);
  });
  expect(failure).toMatchObject({ kind: "unavailable", message: "changed my mind" });
});
