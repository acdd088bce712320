import { type Client, connect } from "@conat/conat";
import { startTestNats, type TestNats, type TestNatsOptions } from "@conat/conat/testing";
import { type Hub, type HubOptions, startHub } from "@conat/hub";
import { pickFreePort } from "@conat/hub/nats-server";
import { connect as connectToNats } from "@nats-io/transport-node";
import { afterEach } from "vitest";

export const project_id = "faults";

/** Starts what a test needs, and ends it after the test in the opposite order. */
export interface Bench {
  /** A nats-server on a port that no client takes by chance while the server is down. */
  nats(options?: TestNatsOptions): Promise<TestNats>;
  hub(options: HubOptions): Promise<Hub>;
  /** A client of a hub, or straight on NATS. */
  client(address: string): Client;
  /** Has something closed after the test. */
  later<T extends { stop(): Promise<void> } | { close(): Promise<void> }>(thing: T): T;
}

/** Call inside a `describe`, or once in a file. */
export function useBench(): Bench {
  const closers: (() => Promise<unknown>)[] = [];
  afterEach(async () => {
    for (const close of closers.splice(0).reverse()) await close();
  });
  const later: Bench["later"] = (thing) => {
    closers.push(() => ("stop" in thing ? thing.stop() : thing.close()));
    return thing;
  };
  return {
    later,
    nats: async (options) => later(await startTestNats({ port: await pickFreePort(), ...options })),
    hub: async (options) => later(await startHub({ port: 0, dev: true, ...options })),
    client: (address) =>
      later(connect({ address, identity: { account_id: "alice", projects: [project_id] } })),
  };
}

/** One request to the JetStream API, as an operator's tool sends it. */
export async function api(
  url: string,
  subject: string,
  payload?: object,
): Promise<Record<string, unknown>> {
  const connection = await connectToNats({ servers: url.split(","), reconnect: false });
  try {
    const body = payload && JSON.stringify(payload);
    return (await connection.request(`$JS.API.${subject}`, body)).json();
  } finally {
    await connection.close();
  }
}
