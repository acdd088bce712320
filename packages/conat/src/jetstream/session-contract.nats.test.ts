import { describeSessionContract } from "../testing/session-contract.ts";
import { startTestNats } from "../testing/test-nats.ts";
import { openJetstream } from "./open-jetstream.ts";

describeSessionContract("JetstreamSession", async () => {
  const server = await startTestNats();
  return {
    open: () => openJetstream({ servers: server.url }),
    close: () => server.stop(),
  };
});
