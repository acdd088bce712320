import { connect } from "@conat/conat";
import { describeSessionContract } from "../../../conat/src/testing/session-contract.ts";
import { startHubOnAccounts } from "../test-kit/accounts.ts";

describeSessionContract("HubSession through NATS to a hub", async () => {
  const { nats, startHub, close } = await startHubOnAccounts();
  await startHub({ dev: true });
  return {
    // As the backend of the project that the contract is about.
    async open({ projects = {} }) {
      const [project_id] = Object.keys(projects);
      return connect(nats.url, { project_id }).session;
    },
    projectOnly: true,
    close,
  };
});
