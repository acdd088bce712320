import { Client, dkv } from "@conat/conat";
import { openJetstream } from "@conat/conat/jetstream";
import { eventually } from "@conat/conat/testing";
import { expect, it } from "vitest";
import { api, project_id, useBench } from "./bench.ts";

const bench = useBench();
const BUCKET = "KV_conat-p0";

it("entries that nobody was told of are found by asking for the newest one", async () => {
  const nats = await bench.nats();
  const session = await openJetstream({ servers: nats.url, headCheckMs: 200 });
  bench.later(session);
  const client = new Client(nats.url, session);
  const reader = await dkv<string>({ client, project_id, name: "notes" });
  const writer = await dkv<string>({ client: bench.client(nats.url), project_id, name: "notes" });
  writer.set("told", "1");
  await eventually(() => expect(reader.get("told")).toBe("1"));
  // As when a cluster loses what a node has republished on its way.
  const { config } = await api(nats.url, `STREAM.INFO.${BUCKET}`);
  const { republish: _republish, ...silent } = Object(config);
  await api(nats.url, `STREAM.UPDATE.${BUCKET}`, silent);
  writer.set("told", "2");
  writer.set("untold", "2");
  await eventually(() => expect(writer.isStable()).toBe(true));
  await api(nats.url, `STREAM.UPDATE.${BUCKET}`, Object(config));
  const changes: string[] = [];
  reader.on("change", ({ key, value }) => changes.push(`${key}=${value}`));
  await eventually(() => expect(reader.get()).toEqual({ told: "2", untold: "2" }));
  expect(changes.toSorted()).toEqual(["told=2", "untold=2"]);
  expect(session.metrics().missedEntries).toBe(1);
});

it("an entry that nobody was told of is found although later ones of the store were told", async () => {
  const nats = await bench.nats();
  const session = await openJetstream({ servers: nats.url, headCheckMs: 200 });
  bench.later(session);
  const client = new Client(nats.url, session);
  const reader = await dkv<string>({ client, project_id, name: "notes" });
  const writer = await dkv<string>({ client: bench.client(nats.url), project_id, name: "notes" });
  writer.set("lost", "1");
  writer.set("told", "1");
  await eventually(() => expect(reader.size).toBe(2));
  const { config } = await api(nats.url, `STREAM.INFO.${BUCKET}`);
  const { republish: _republish, ...silent } = Object(config);
  await api(nats.url, `STREAM.UPDATE.${BUCKET}`, silent);
  writer.set("lost", "2");
  await writer.save();
  await api(nats.url, `STREAM.UPDATE.${BUCKET}`, Object(config));
  const changes: string[] = [];
  reader.on("change", ({ key, value }) => key === "lost" && changes.push(`${key}=${value}`));
  let written = 1;
  // The store does not become quiet.
  await eventually(() => {
    written += 1;
    writer.set("told", String(written));
    expect(reader.get("lost")).toBe("2");
  });
  await eventually(() => expect(reader.get("told")).toBe(String(written)));
  expect(changes).toEqual(["lost=2"]);
  expect(session.metrics().missedEntries).toBe(1);
});
