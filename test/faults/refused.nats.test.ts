import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { type Client, type ConnectOptions, connect } from "@conat/conat";
import { createNkey } from "@conat/conat/jetstream";
import { eventually } from "@conat/conat/testing";
import { createBackendKeys } from "@conat/hub/nats-server";
import { connect as connectToNats } from "@nats-io/transport-node";
import { afterAll, beforeAll, beforeEach, expect, it } from "vitest";
import { startTestCluster, type TestCluster } from "../test-cluster.ts";
import { useBench } from "./bench.ts";

const bench = useBench();
const hubKey = createNkey();
const natsNkeySeed = new TextDecoder().decode(hubKey.seed);

/** Each node once, and once more to learn why. */
const MOST_REFUSALS = 6;

/** Long after every node has refused; who is refused does not wait for it. */
const PATIENCE_MS = 5_000;

let folder: string;
let cluster: TestCluster;
let before: readonly number[];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "conat-users-"));
  await letIn("{ user: alice, password: old }");
  cluster = await startTestCluster({
    gossip: true,
    config: [`include "../${basename(folder)}/users.conf"`],
  });
  for (const { url } of cluster.nodes) {
    await eventually(async () => {
      const connection = await connectToNats({ servers: url, user: "alice", pass: "old" });
      const { info } = connection;
      await connection.close();
      expect(info?.connect_urls).toHaveLength(3);
    });
  }
}, 30_000);
beforeEach(() => {
  before = refusals();
});
afterAll(async () => {
  await cluster.stop();
  await rm(folder, { recursive: true, force: true });
});

/** Whom servers that read their configuration from now on let in, beside hubs. */
async function letIn(user: string): Promise<void> {
  const users = `${user}, { nkey: ${hubKey.publicKey} }`;
  await writeFile(join(folder, "users.conf"), `authorization { users: [ ${users} ] }\n`);
}

/** How often each node has refused somebody. */
function refusals(): number[] {
  return cluster.nodes.map((node) => node.log().split("authentication error").length - 1);
}

/** How often all nodes together have refused somebody during this test. */
function refused(): number {
  const sum = (counts: readonly number[]): number => counts.reduce((all, one) => all + one, 0);
  return sum(refusals()) - sum(before);
}

function open(options: ConnectOptions): Client {
  return bench.later(connect(options));
}

it.each<[string, Pick<ConnectOptions, "token">]>([
  ["a wrong token", { token: "wrong" }],
  ["no credentials", {}],
])("who comes with %s is told so, after each node was asked once or twice", async (_what, who) => {
  const client = open({ address: cluster.url, ...who });
  await expect(client.ready(PATIENCE_MS)).rejects.toMatchObject({
    kind: "unauthenticated",
    message: expect.stringMatching(/authorization violation/i),
  });
  expect(client.status.state).toBe("refused");
  expect(refused()).toBeLessThanOrEqual(MOST_REFUSALS);
});

it("who knows one node alone, and comes with a wrong password, is told so too", async () => {
  const client = open({ address: `nats://alice:wrong@127.0.0.1:${cluster.nodes[0]?.port}` });
  await expect(client.ready(PATIENCE_MS)).rejects.toMatchObject({ kind: "unauthenticated" });
  expect(refused()).toBeLessThanOrEqual(MOST_REFUSALS);
});

it("a hub that the cluster does not know does not start, and says why", async () => {
  const start = bench.hub({ natsUrl: cluster.url, connectTimeoutMs: PATIENCE_MS });
  await expect(start).rejects.toMatchObject({ kind: "unauthenticated" });
  expect(refused()).toBeLessThanOrEqual(MOST_REFUSALS);
});

it("a hub whose key for projects' backends the cluster does not know does not start, and says why", async () => {
  const natsBackendKeys = createBackendKeys();
  const start = bench.hub({ natsUrl: cluster.url, natsNkeySeed, natsBackendKeys });
  await expect(start).rejects.toMatchObject({
    kind: "unavailable",
    message: expect.stringMatching(/account of projects' backends.*authorization violation/i),
  });
  expect(refused()).toBeLessThanOrEqual(MOST_REFUSALS);
}, 30_000);

it("a project's backend that the cluster does not let in is told so at every attempt", async () => {
  const client = open({ address: cluster.url, project_id: "p", token: "wrong" });
  await eventually(() => expect(client.status.error?.message).toMatch(/authorization violation/i));
  expect(refused()).toBeLessThanOrEqual(MOST_REFUSALS);
});

it("who is not let in any more asks each node now and then, says why, and is back when it may", async () => {
  const nodes = cluster.nodes.map(({ port }) => `nats://alice:old@127.0.0.1:${port}`);
  const client = open({ address: nodes });
  await client.ready();
  const reload = (): void => {
    for (const { pid } of cluster.nodes) process.kill(pid ?? Number.NaN, "SIGHUP");
  };
  await letIn("{ user: alice, password: new }");
  reload();
  await eventually(() => expect(refused()).toBeGreaterThan(0));
  const [began, first] = [performance.now(), refused()];
  await eventually(() => expect(refused()).toBeGreaterThanOrEqual(first + 12));
  // A node is asked every 250 ms at most: those in between, and one more of each.
  const rounds = (performance.now() - began) / 250 + 2;
  expect(refused() - first).toBeLessThanOrEqual(3 * rounds);
  expect(client.status.error?.message).toMatch(/authorization violation/i);
  await letIn("{ user: alice, password: old }");
  reload();
  await client.ready();
}, 30_000);
