import { HubSession } from "../../conat/src/session/hub-session.ts";
import { describeSessionContract } from "../../conat/src/testing/session-contract.ts";
import { startTestNats } from "../../conat/src/testing/test-nats.ts";
import { startHub } from "./hub.ts";

describeSessionContract("HubSession through a hub over NATS", async () => {
  const nats = await startTestNats();
  const hub = await startHub({ port: 0, dev: true, natsUrl: nats.url });
  return {
    open: async (identity) => new HubSession({ address: new URL(hub.url), identity }),
    async close() {
      await hub.close();
      await nats.stop();
    },
  };
});
