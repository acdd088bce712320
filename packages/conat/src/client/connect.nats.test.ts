import { afterEach, describe, expect, it } from "vitest";
import { PubSub } from "../pubsub/pubsub.ts";
import { eventually } from "../testing/eventually.ts";
import { useTestNats } from "../testing/use-test-nats.ts";
import type { Client } from "./client.ts";
import { connect } from "./connect.ts";

describe("connect to NATS itself", () => {
  const nats = useTestNats();
  const clients: Client[] = [];
  afterEach(async () => {
    await Promise.all(clients.splice(0).map((client) => client.close()));
  });

  function open(address: string): Client {
    const client = connect({ address });
    clients.push(client);
    return client;
  }

  it("returns a client at once, which connects by itself and carries messages", async () => {
    const [one, two] = [open(nats().url), open(nats().url)];
    expect(one.status.state).toBe("connecting");
    const sent = new PubSub<number>({ client: one, project_id: "p1", name: "n" });
    const heard: [number, boolean][] = [];
    for (const client of [one, two]) {
      const channel = new PubSub<number>({ client, project_id: "p1", name: "n" });
      channel.on("change", (data, { own }) => heard.push([data, own]));
    }
    await Promise.all([one.ready(), two.ready()]);
    await eventually(() => {
      sent.set(1);
      return heard.some(([, own]) => own) && heard.some(([, own]) => !own);
    });
  });

  it("keeps trying while there is no server, and says so", async () => {
    const client = open("nats://127.0.0.1:1");
    await expect(client.ready(300)).rejects.toMatchObject({ kind: "timeout" });
  });

  it("refuses at once what NATS cannot use", () => {
    expect(() => connect({ address: nats().url, token: () => "asked for" })).toThrow(
      "NATS takes a token",
    );
  });
});
