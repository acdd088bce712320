import { startTestNats, type TestNats } from "@conat/conat/testing";
import { pickFreePort } from "@conat/hub/nats-server";
import { jetstreamManager } from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";

/** Some nats-servers that keep copies of each other's streams. */
export interface TestCluster extends AsyncDisposable {
  readonly nodes: readonly TestNats[];
  /** Addresses of all nodes, separated by commas. */
  readonly url: string;
  /** The node that leads a stream now. */
  leaderOf(stream: string): Promise<TestNats>;
  stop(): Promise<void>;
}

/** Starts a cluster; resolves when its nodes run, some seconds before it has elected its first leader. */
export async function startTestCluster(size = 3): Promise<TestCluster> {
  const ports = await Promise.all(Array.from({ length: 2 * size }, () => pickFreePort()));
  const routes = ports.slice(size).map((port) => `"nats-route://127.0.0.1:${port}"`);
  const nodes = await Promise.all(
    ports.slice(0, size).map((port, at) =>
      startTestNats({
        port,
        config: [
          `server_name: "node-${at}"`,
          // Clients know the addresses that they were given, and no others.
          `cluster { name: test, listen: "127.0.0.1:${ports[size + at]}", no_advertise: true, routes: [${routes.join(", ")}] }`,
        ],
      }),
    ),
  );
  const url = nodes.map((node) => node.url).join(",");
  const stop = async (): Promise<void> => {
    await Promise.all(nodes.map((node) => node.stop()));
  };
  return {
    nodes,
    url,
    leaderOf: async (stream) => {
      const connection = await connect({ servers: nodes.map((node) => node.url) });
      try {
        const { cluster } = await (await jetstreamManager(connection)).streams.info(stream);
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
