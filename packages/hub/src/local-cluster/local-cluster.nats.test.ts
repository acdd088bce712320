import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect, dkv } from "@conat/conat";
import { eventually } from "@conat/conat/testing";
import { afterAll, beforeAll, expect, it } from "vitest";
import { type LocalCluster, startLocalCluster } from "./local-cluster.ts";

let folder = "";
let cluster: LocalCluster;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "conat-cluster-"));
  cluster = await startLocalCluster({
    dataDir: folder,
    port: 0,
    hubArgs: ["--dev"],
    nodeArgs: ["--conditions=source", "--import", "tsx"],
    log: () => undefined,
  });
}, 60_000);
afterAll(async () => {
  await cluster?.stop();
  await rm(folder, { recursive: true, force: true });
});

it("one server and one hub of a local cluster may be killed, and both come back", async () => {
  const { hubs, nodes } = cluster;
  expect([hubs.length, nodes.length]).toEqual([2, 3]);
  const address = hubs.map(({ url }) => url).join(",");
  const client = connect({ address, identity: { project_id: "p" } });
  const store = await dkv<number>({ client, project_id: "p", name: "s" });
  store.set("n", 1);
  await store.save();
  const [hub] = hubs;
  const [node] = nodes;
  const before = [hub?.pid, node?.pid];
  for (const pid of before) if (pid !== undefined) process.kill(pid, "SIGKILL");
  store.set("n", 2);
  await store.save();
  await eventually(
    () => {
      expect(hub?.pid).not.toBe(before[0]);
      expect(node?.pid).not.toBe(before[1]);
    },
    { timeoutMs: 20_000 },
  );
  store.set("n", 3);
  await store.save();
  await client.close();
}, 60_000);
