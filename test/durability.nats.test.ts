import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect, dkv } from "@conat/conat";
import { startHub } from "@conat/hub";
import { expect, it } from "vitest";

const project_id = "p";

it.each([
  ["1s", "os"],
  ["always", "disk"],
] as const)(
  "the hub's own server that flushes %s acknowledges what is safe with the %s",
  async (syncInterval, durability) => {
    const dataDir = await mkdtemp(join(tmpdir(), "conat-durability-"));
    const hub = await startHub({ port: 0, dev: true, dataDir, syncInterval });
    const client = connect({ address: hub.url, identity: { project_id } });
    const store = await dkv<number>({ client, project_id, name: "plain" });
    expect(store.durability).toBe(durability);
    const insisting = dkv<number>({ client, project_id, name: "insisting", sync: true });
    if (durability === "disk") {
      const safe = await insisting;
      safe.set("k", 1);
      await safe.save();
    } else await expect(insisting).rejects.toMatchObject({ kind: "not-durable" });
    await client.close();
    await hub.close();
    await rm(dataDir, { recursive: true });
  },
);
