import { closeSync, openSync, writeSync } from "node:fs";
import { connect } from "@conat/conat";
import * as z from "zod";
import { PROJECT, startWorkload, type Workload } from "./workload.ts";

/**
 * A client in a process of its own: `node client-process.ts <options as JSON>`. Its log is written line by line, so that
 * nothing is missing from it when the process is killed. Takes its orders from its parent, and ends with it.
 */
const options = z
  .object({
    name: z.string(),
    address: z.string(),
    seed: z.number(),
    pauseMs: z.number(),
    logFile: z.string(),
  })
  .parse(JSON.parse(process.argv[2] ?? ""));

const log = openSync(options.logFile, "a");
process.once("disconnect", () => process.exit(1));
process.on("unhandledRejection", (error) => {
  const what = `unhandled rejection: ${error instanceof Error ? error.stack : String(error)}`;
  writeSync(log, `${JSON.stringify({ type: "flaw", what })}\n`);
});

const workload = await startWorkload({
  ...options,
  client: connect({
    address: options.address,
    identity: { account_id: options.name, projects: [PROJECT] },
  }),
  log: (event) => void writeSync(log, `${JSON.stringify(event)}\n`),
});

const ORDERS = {
  stop: (work: Workload) => work.stop(),
  dump: async (work: Workload) => work.dump(),
  close: async (work: Workload) => {
    await work.close();
    closeSync(log);
    setImmediate(() => process.disconnect());
  },
};
const order = z.object({ id: z.number(), order: z.enum(["stop", "dump", "close"]) });

process.on("message", (message) => {
  const { id, order: name } = order.parse(message);
  ORDERS[name](workload).then(
    (result) => process.send?.({ id, result }),
    (error: unknown) => process.send?.({ id, error: String(error) }),
  );
});
process.send?.({ id: 0 });
