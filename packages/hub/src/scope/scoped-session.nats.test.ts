import { openJetstream } from "@conat/conat/jetstream";
import { describeSessionContract } from "../../../conat/src/testing/session-contract.ts";
import { startTestNats } from "../../../conat/src/testing/test-nats.ts";
import { SharedSession } from "../upstream/shared-session.ts";
import { accountIdentity } from "./identity.ts";
import { ScopedSession } from "./scoped-session.ts";

let clients = 0;

describeSessionContract("ScopedSession over one SharedSession for all", async () => {
  const nats = await startTestNats();
  const shared = new SharedSession(await openJetstream({ servers: nats.url }));
  return {
    async open({ account_id = "", projects = [] }) {
      clients += 1;
      return new ScopedSession(shared, {
        identity: accountIdentity(account_id, projects),
        client: `contract-client-${clients}`,
      });
    },
    async close() {
      await shared.close();
      await nats.stop();
    },
  };
});
