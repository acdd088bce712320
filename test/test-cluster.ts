import { startTestNats, type TestNats } from "@conat/conat/testing";
import { pickFreePort } from "@conat/hub/nats-server";
import { jetstreamManager } from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";
import { startTcpProxy, type TcpProxy } from "./tcp-proxy.ts";

/** Some nats-servers that keep copies of each other's streams. */
export interface TestCluster extends AsyncDisposable {
  readonly nodes: readonly TestNats[];
  /** Addresses of all nodes, separated by commas. */
  readonly url: string;
  /** The line between each two nodes, over which they tell each other everything. */
  readonly routes: readonly TcpProxy[];
  /** The lines from one node to all others. */
  routesOf(node: TestNats): readonly TcpProxy[];
  /** The node that leads a stream now. */
  leaderOf(stream: string): Promise<TestNats>;
  stop(): Promise<void>;
}

export interface TestClusterOptions {
  readonly size?: number;
  /** Whether nodes tell clients of each other, as they do by default. @default false */
  readonly gossip?: boolean;
  /** More lines for every node's configuration file. */
  readonly config?: readonly string[];
}

/** An address at which nobody listens. */
const NOWHERE = "127.0.0.1:1";

/** Starts a cluster; resolves when its nodes run, some seconds before it has elected its first leader. */
export async function startTestCluster({
  size = 3,
  gossip = false,
  config = [],
}: TestClusterOptions = {}): Promise<TestCluster> {
  const ports = await Promise.all(Array.from({ length: 2 * size }, () => pickFreePort()));
  const routePorts = ports.slice(size);
  const routes: { readonly ends: readonly number[]; readonly line: TcpProxy }[] = [];
  for (let from = 0; from < size; from += 1) {
    for (let to = 0; to < from; to += 1) {
      routes.push({ ends: [from, to], line: await startTcpProxy(routePorts[to] ?? 0) });
    }
  }
  const nodes = await Promise.all(
    ports.slice(0, size).map((port, at) => {
      // Of two nodes one calls the other. Its own port stands for those that a node does not call: it needs a route.
      const called = routes.filter(({ ends }) => ends[0] === at).map(({ line }) => line.port);
      const urls = [routePorts[at], ...called].map((to) => `"nats-route://127.0.0.1:${to}"`);
      return startTestNats({
        port,
        config: [
          ...config,
          `server_name: "node-${at}"`,
          // Clients know the addresses that they were given, and no others; so do nodes, which else pass round their
          // own ones and call each other past the lines.
          `cluster { name: test, listen: "127.0.0.1:${routePorts[at]}", advertise: "${NOWHERE}", no_advertise: ${!gossip}, routes: [${urls.join(", ")}] }`,
        ],
      });
    }),
  );
  const url = nodes.map((node) => node.url).join(",");
  const stop = async (): Promise<void> => {
    await Promise.all(nodes.map((node) => node.stop()));
    await Promise.all(routes.map(({ line }) => line.close()));
  };
  return {
    nodes,
    url,
    routes: routes.map(({ line }) => line),
    routesOf: (node) => {
      const at = nodes.indexOf(node);
      return routes.filter(({ ends }) => ends.includes(at)).map(({ line }) => line);
    },
    leaderOf: async (stream) => {
      const connection = await connect({ servers: nodes.map((node) => node.url) });
      try {
        // Without the check, which takes that the cluster itself has a leader.
        const manager = await jetstreamManager(connection, { checkAPI: false });
        const { cluster } = await manager.streams.info(stream);
        const node = nodes[Number(cluster?.leader?.replace("node-", ""))];
        if (node === undefined) throw new Error(`${stream} has no leader now`);
        return node;
      } finally {
        await connection.close();
      }
    },
    stop,
    [Symbol.asyncDispose]: stop,
  };
}
