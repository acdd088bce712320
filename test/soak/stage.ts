import { type Client, connect } from "@conat/conat";
import { startTestNats } from "@conat/conat/testing";
import { startHub } from "@conat/hub";
import { pickFreePort } from "@conat/hub/nats-server";
import { type CountedServers, watchClient } from "./counts.ts";

export const project_id = "soak";

/** A nats-server, and a hub in this process. */
export interface Stage extends CountedServers {
  readonly natsUrl: string;
  /** A client whose listeners and feeds are counted. */
  enter(address: string): Client;
  close(): Promise<void>;
}

export async function startStage(): Promise<Stage> {
  const monitorPort = await pickFreePort();
  const nats = await startTestNats({ config: [`http: "127.0.0.1:${monitorPort}"`] });
  const hub = await startHub({
    port: 0,
    dev: true,
    logger: "silent",
    natsUrl: nats.url,
    // What goes by itself goes soon, so that a run need not wait for it.
    feedLingerMs: 50,
    disconnectGraceMs: 50,
  });
  return {
    natsUrl: nats.url,
    hubUrl: hub.url,
    monitorUrl: `http://127.0.0.1:${monitorPort}`,
    enter(address) {
      const identity = { account_id: "soak", projects: [project_id] };
      const client = connect({ address, identity });
      watchClient(client);
      return client;
    },
    async close() {
      await hub.close();
      await nats.stop();
    },
  };
}
