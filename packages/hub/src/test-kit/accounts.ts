import { createNkey } from "@conat/conat/jetstream";
import { startTestNats, type TestNats } from "../../../conat/src/testing/test-nats.ts";
import { type Hub, startHub } from "../hub.ts";
import type { HubOptions } from "../hub-options.ts";
import { createBackendKeys, formatAccounts, publicKeyOf } from "../nats-server/index.ts";

export interface HubsOnAccounts {
  readonly nats: TestNats;
  /** Another hub of it. */
  startHub(options: HubOptions): Promise<Hub>;
  /** Ends hubs and server. */
  close(): Promise<void>;
}

/** A nats-server of somebody else's, configured as a hub says, and hubs that have the keys for it. */
export async function startHubOnAccounts(): Promise<HubsOnAccounts> {
  const hub = createNkey();
  const natsBackendKeys = createBackendKeys();
  const config = formatAccounts({
    hub: hub.publicKey,
    gate: publicKeyOf(natsBackendKeys.gate),
    issuer: publicKeyOf(natsBackendKeys.issuer),
  });
  const nats = await startTestNats({ config });
  const hubs: Hub[] = [];
  return {
    nats,
    async startHub(options) {
      const started = await startHub({
        port: 0,
        natsUrl: nats.url,
        natsNkeySeed: new TextDecoder().decode(hub.seed),
        natsBackendKeys,
        logger: "silent",
        ...options,
      });
      hubs.push(started);
      return started;
    },
    async close() {
      await Promise.all(hubs.map((one) => one.close()));
      await nats.stop();
    },
  };
}
