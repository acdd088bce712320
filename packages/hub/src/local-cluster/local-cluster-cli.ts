import { resolve } from "node:path";
import { parseArgs } from "node:util";
import { NatsServerError } from "../nats-server/index.ts";
import { type LocalCluster, startLocalCluster } from "./local-cluster.ts";

const HELP = `npm run cluster -- [options] [-- options of the hubs]

Starts three nats-servers that keep three copies of everything, and two hubs in development mode, all on this machine.
Kill any one of them: clients carry on, and it is started again. Ctrl-C stops all.

  --port <number>      port of the first hub, the second takes the next; 0 takes any free ones (default 4400)
  --data-dir <folder>  where everything is kept (default ./.conat/cluster)
  --help               show this`;

const { values, positionals } = parse();

if (values.help) console.log(HELP);
else await main();

function parse() {
  try {
    return parseArgs({
      allowPositionals: true,
      options: {
        help: { type: "boolean", short: "h", default: false },
        port: { type: "string", default: "4400" },
        "data-dir": { type: "string", default: "./.conat/cluster" },
      },
    });
  } catch (error) {
    return refuse(error instanceof Error ? error.message : String(error));
  }
}

function parsePort(text: string): number {
  const port = Number(text);
  if (/^\d+$/.test(text) && port < 65_535) return port;
  return refuse(`--port must be a port with another one above it, not ${JSON.stringify(text)}`);
}

function refuse(why: string): never {
  console.error(`conat: ${why}\n\n${HELP}`);
  process.exit(2);
}

async function main(): Promise<void> {
  const port = parsePort(values.port);
  let cluster: LocalCluster | undefined;
  let isStopping = false;
  const stop = (): void => {
    if (isStopping) process.exit(1);
    isStopping = true;
    if (cluster === undefined) process.exit(0);
    void cluster.stop().then(() => process.exit(0));
  };
  process.on("SIGINT", stop).on("SIGTERM", stop);
  try {
    cluster = await startLocalCluster({
      dataDir: resolve(values["data-dir"]),
      port,
      hubArgs: ["--dev", ...positionals],
      log: (line) => console.error(line),
    });
  } catch (error) {
    if (!(error instanceof NatsServerError) && !(error instanceof Error)) throw error;
    console.error(`conat: ${error.message}`);
    process.exit(1);
  }
  show(cluster);
}

function show({ nodes, hubs, nkeyFile }: LocalCluster): void {
  for (const { url, pid } of hubs) console.log(`hub   ${url}  process ${pid}`);
  for (const { url, pid } of nodes) console.log(`nats  ${url}  process ${pid}`);
  console.log(`The key for NATS is in ${nkeyFile}. Kill any one of these; Ctrl-C stops all.`);
}
