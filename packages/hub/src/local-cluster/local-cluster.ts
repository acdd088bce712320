import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import {
  type NatsServer,
  type NatsServerBinary,
  pickFreePort,
  resolveNatsServer,
  startNatsServer,
} from "../nats-server/index.ts";
import { loadUserKey } from "../nats-server/user-key.ts";
import { type HubChild, startHubChild } from "./hub-child.ts";

/** As many as keep a majority when one is gone. */
const NODES = 3;
const HUBS = 2;

export interface LocalClusterOptions {
  /** Where everything is kept. */
  readonly dataDir: string;
  /** Port of the first hub; the others follow it. 0 takes any free ones. */
  readonly port: number;
  /** Further options for the command of each hub. */
  readonly hubArgs: readonly string[];
  /** Flags for Node in each hub's process. @default those of this process */
  readonly nodeArgs?: readonly string[];
  readonly log: (line: string) => void;
}

/** Three NATS servers that keep copies of each other's data, and two hubs, all on this machine. */
export interface LocalCluster {
  readonly nodes: readonly NatsServer[];
  readonly hubs: readonly HubChild[];
  /** File with the seed of the nkey that the servers accept. */
  readonly nkeyFile: string;
  stop(): Promise<void>;
}

/**
 * Starts a cluster for trying out. Whatever of it dies is started again.
 * @throws NatsServerError when a server cannot be had or started, Error when a hub does not start.
 */
export async function startLocalCluster(options: LocalClusterOptions): Promise<LocalCluster> {
  const { dataDir, port, log } = options;
  await mkdir(dataDir, { recursive: true, mode: 0o700 });
  const nkeyFile = join(dataDir, "user.nk");
  const { seed } = await loadUserKey(nkeyFile);
  const binary = await resolveNatsServer({ log });
  const nodes: NatsServer[] = [];
  const hubs: HubChild[] = [];
  const stop = async (): Promise<void> => {
    await Promise.all(hubs.map((hub) => hub.stop()));
    await Promise.all(nodes.map((node) => node.stop()));
  };
  try {
    nodes.push(...(await startNodes(options, binary, seed)));
    await Promise.all(nodes.map((node) => node.waitUntilHealthy()));
    const natsUrl = nodes.map((node) => node.url).join(",");
    for (let at = 0; at < HUBS; at += 1) {
      const args = [
        ...["--port", String(port === 0 ? 0 : port + at), "--nats-url", natsUrl],
        ...["--nats-nkey", nkeyFile, "--replicas", String(NODES), "--nats-durability", "os"],
        ...options.hubArgs,
      ];
      // One after the other, so that the first makes the buckets.
      hubs.push(await startHubChild(options.nodeArgs ?? process.execArgv, args, log));
    }
    return { nodes, hubs, nkeyFile, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function startNodes(
  { dataDir, log }: LocalClusterOptions,
  binary: NatsServerBinary,
  nkeySeed: string,
): Promise<NatsServer[]> {
  const routes: number[] = [];
  while (routes.length < NODES) {
    const port = await pickFreePort();
    if (!routes.includes(port)) routes.push(port);
  }
  const starts = await Promise.allSettled(
    routes.map((port, at) =>
      startNatsServer({
        dataDir: join(dataDir, `node-${at + 1}`),
        binary,
        serverName: `node-${at + 1}`,
        nkeySeed,
        cluster: { name: "conat", port, routes },
        log: (level, message) => {
          if (level === "error") log(`node-${at + 1}: ${message}`);
        },
      }),
    ),
  );
  const nodes = starts.flatMap((start) => (start.status === "fulfilled" ? [start.value] : []));
  const failure = starts.find((start) => start.status === "rejected");
  if (failure === undefined) return nodes;
  await Promise.all(nodes.map((node) => node.stop()));
  throw failure.reason;
}
