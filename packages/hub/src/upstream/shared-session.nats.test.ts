import { openJetstream } from "@conat/conat/jetstream";
import { describeSessionContract } from "../../../conat/src/testing/session-contract.ts";
import { startTestNats } from "../../../conat/src/testing/test-nats.ts";
import { SharedSession } from "./shared-session.ts";

describeSessionContract("SharedSession", async () => {
  const nats = await startTestNats();
  return {
    open: async () => new SharedSession(await openJetstream({ servers: nats.url })),
    close: () => nats.stop(),
  };
});
