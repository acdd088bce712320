import { dkv } from "@conat/conat";
import { eventually } from "@conat/conat/testing";
import { expect, it } from "vitest";
import { api, project_id, useBench } from "./bench.ts";

const bench = useBench();
const BUCKET = "KV_conat-p0";

it("a full disk is told once for each write, and the store goes on when there is room again", async () => {
  const nats = await bench.nats({ maxFile: "2MB" });
  const hub = await bench.hub({ natsUrl: nats.url });
  const options = { project_id, name: "photos" };
  const store = await dkv<string>({ client: bench.client(hub.url), ...options });
  const other = await dkv<string>({ client: bench.client(nats.url), ...options });
  const rejects: string[] = [];
  const statuses: string[] = [];
  store.on("reject", ({ key, error }) => rejects.push(`${key} ${error.kind}`));
  store.on("status", (status) => statuses.push(status));
  const large = "x".repeat(200_000);
  let written = 0;
  while (rejects.length === 0) {
    written += 1;
    store.set(`k${written}`, large);
    await store.save().catch(() => undefined);
  }
  expect(rejects).toEqual([`k${written} storage-full`]);
  expect(store.status).toBe("storage-full");
  expect(store.has(`k${written}`)).toBe(false);
  store.set("more", large);
  await expect(store.save()).rejects.toMatchObject({ kind: "storage-full" });
  expect(rejects).toEqual([`k${written} storage-full`, "more storage-full"]);
  // What is there can be read, by newcomers as well.
  const late = await dkv<string>({ client: bench.client(hub.url), ...options });
  expect(late.size).toBe(written - 1);
  // An operator makes room.
  const filter = `$KV.conat-p0.project.${project_id}.photos.k1`;
  await api(nats.url, `STREAM.PURGE.${BUCKET}`, { filter });
  store.set("small", "fits");
  await store.save();
  expect(store.status).toBe("live");
  expect(statuses).toEqual(["storage-full", "live"]);
  await eventually(() => expect(other.get("small")).toBe("fits"));
});
