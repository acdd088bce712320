import { Client, dkv } from "@conat/conat";
import type { Session } from "@conat/conat/internal";
import { openJetstream } from "@conat/conat/jetstream";
import { eventually, type TestNats } from "@conat/conat/testing";
import { connect } from "@nats-io/transport-node";
import { expect, it } from "vitest";
import { startTcpProxy } from "../tcp-proxy.ts";
import { api, project_id, useBench } from "./bench.ts";

const bench = useBench();
const BUCKET = "KV_conat-p0";

/** A store that is written through one session and read through another, which looks often whether it was told everything. */
async function open() {
  const nats = await bench.nats();
  const session = await openJetstream({ servers: nats.url, headCheckMs: 200 });
  bench.later(session);
  const client = new Client(nats.url, session);
  const reader = await dkv<string>({ client, project_id, name: "notes" });
  const writer = await dkv<string>({ client: bench.client(nats.url), project_id, name: "notes" });
  return { nats, session, reader, writer };
}

/** Opens as many stores as it takes for their bucket to be asked about instead of each store. */
async function openMany(session: Session): Promise<void> {
  const client = new Client("many stores", session);
  const names = Array.from({ length: 20 }, (_, at) => `beside ${at}`);
  await Promise.all(names.map((name) => dkv({ client, project_id, name })));
}

/** Writes that are stored and not told, as when a cluster loses what a node has republished on its way. */
async function untold(nats: TestNats, write: () => Promise<unknown>): Promise<void> {
  const { config } = await api(nats.url, `STREAM.INFO.${BUCKET}`);
  const { republish: _republish, ...silent } = Object(config);
  await api(nats.url, `STREAM.UPDATE.${BUCKET}`, silent);
  await write();
  await api(nats.url, `STREAM.UPDATE.${BUCKET}`, Object(config));
}

it("entries that nobody was told of are found by asking for the newest one", async () => {
  const { nats, session, reader, writer } = await open();
  writer.set("told", "1");
  await eventually(() => expect(reader.get("told")).toBe("1"));
  await untold(nats, () => {
    writer.set("told", "2");
    writer.set("untold", "2");
    return eventually(() => expect(writer.isStable()).toBe(true));
  });
  const changes: string[] = [];
  reader.on("change", ({ key, value }) => changes.push(`${key}=${value}`));
  await eventually(() => expect(reader.get()).toEqual({ told: "2", untold: "2" }));
  expect(changes.toSorted()).toEqual(["told=2", "untold=2"]);
  expect(session.metrics().missedEntries).toBe(1);
});

it("an entry that nobody was told of is found although later ones of the store were told", async () => {
  const { nats, session, reader, writer } = await open();
  writer.set("lost", "1");
  writer.set("told", "1");
  await eventually(() => expect(reader.size).toBe(2));
  await untold(nats, () => {
    writer.set("lost", "2");
    return writer.save();
  });
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

it("an entry that nobody was told of is found although very many were told before the next look", async () => {
  const nats = await bench.nats();
  const session = await openJetstream({ servers: nats.url, headCheckMs: 3_600_000 });
  bench.later(session);
  const client = new Client(nats.url, session);
  const reader = await dkv<string>({ client, project_id, name: "notes" });
  const writer = await dkv<string>({ client: bench.client(nats.url), project_id, name: "notes" });
  writer.set("lost", "1");
  await eventually(() => expect(reader.size).toBe(1));
  await untold(nats, () => {
    writer.set("lost", "2");
    return writer.save();
  });
  for (let round = 0; round < 12 && reader.get("lost") === "1"; round += 1) {
    for (let key = 0; key < 8_000; key += 1) writer.set(`k${key}`, String(round));
    await writer.save();
    await eventually(() => expect(reader.get("k7999")).toBe(String(round)));
  }
  await eventually(() => expect(reader.get("lost")).toBe("2"));
  await eventually(() => expect(reader.get()).toEqual(writer.get()));
}, 60_000);

it("an entry that its hub was not told of is sent to a client that moves to another hub at once, and nothing else again", async () => {
  const nats = await bench.nats();
  const [first, second] = [
    await bench.hub({ natsUrl: nats.url }),
    await bench.hub({ natsUrl: nats.url }),
  ];
  let { port } = first;
  const line = bench.later(await startTcpProxy(() => port));
  const address = `http://127.0.0.1:${line.port}`;
  const reader = await dkv<string>({ client: bench.client(address), project_id, name: "notes" });
  const client = bench.client(nats.url);
  const writer = await dkv<string>({ client, project_id, name: "notes" });
  const elsewhere = await dkv<string>({ client, project_id, name: "elsewhere" });
  for (const key of ["lost", "removed", "told", "kept"]) writer.set(key, "1");
  await eventually(() => expect(reader.size).toBe(4));
  await untold(nats, () => {
    writer.set("lost", "2");
    writer.delete("removed");
    return writer.save();
  });
  // Their sequences do not follow each other.
  elsewhere.set("x", "1");
  await elsewhere.save();
  writer.set("told", "2");
  await writer.save();
  writer.set("new", "2");
  await eventually(() => expect(reader.get("new")).toBe("2"));
  expect([reader.get("lost"), reader.get("removed")]).toEqual(["1", "1"]);
  const changes: string[] = [];
  reader.on("change", ({ key, value }) => changes.push(`${key}=${value}`));
  ({ port } = second);
  line.cut();
  line.mend();
  await eventually(() => expect(reader.get("lost")).toBe("2"));
  await eventually(() => expect(reader.status).toBe("live"));
  expect(reader.get()).toEqual({ lost: "2", told: "2", kept: "1", new: "2" });
  expect(changes.toSorted()).toEqual(["lost=2", "removed=undefined"]);
});

it("an entry that nobody was told of is found although another came while its store was asked for the newest one", async () => {
  const { nats, session, reader, writer } = await open();
  await openMany(session);
  const elsewhere = { project_id, name: "elsewhere" };
  const client = new Client(nats.url, session);
  const there = await dkv<string>({ client, ...elsewhere });
  const thereWriter = await dkv<string>({ client: bench.client(nats.url), ...elsewhere });
  const asked = await questions(nats);
  writer.set("lost", "1");
  await eventually(() => expect(reader.get("lost")).toBe("1"));
  // Both stores have been looked at since.
  await asked.bucket(3);
  await untold(nats, () => {
    writer.set("lost", "2");
    return writer.save();
  });
  thereWriter.set("x", "1");
  await eventually(() => expect(there.get("x")).toBe("1"));
  await asked.newest(1);
  // The answer is newer than what came; the session waits for what may be on its way.
  writer.set("told", "2");
  await eventually(() => expect(reader.get("told")).toBe("2"));
  await eventually(() => expect(reader.get("lost")).toBe("2"));
});

it("an entry that nobody was told of is found although looks at what was told have failed", async () => {
  const { nats, session, reader, writer } = await open();
  await openMany(session);
  const asked = await questions(nats);
  writer.set("lost", "1");
  await eventually(() => expect(reader.get("lost")).toBe("1"));
  await asked.bucket(3);
  const { config } = await api(nats.url, `STREAM.INFO.${BUCKET}`);
  await untold(nats, () => {
    writer.set("lost", "2");
    return writer.save();
  });
  // Who is asked for what is stored does not answer.
  await api(nats.url, `STREAM.UPDATE.${BUCKET}`, { ...Object(config), allow_direct: false });
  writer.set("told", "2");
  await eventually(() => expect(reader.get("told")).toBe("2"));
  await asked.newest(3);
  await api(nats.url, `STREAM.UPDATE.${BUCKET}`, Object(config));
  await eventually(() => expect(reader.get("lost")).toBe("2"));
});

/** Waits for questions to the leader: how far its bucket is, or for the newest message of the store "notes". */
async function questions(nats: TestNats) {
  const connection = await connect({ servers: nats.url });
  bench.later(connection);
  const next = async (subject: string, about: string, count: number): Promise<void> => {
    const asked = connection.subscribe(subject);
    let left = count;
    for await (const question of asked) {
      if (question.string().includes(about)) left -= 1;
      if (left === 0) break;
    }
  };
  return {
    bucket: (count: number) => next(`$JS.API.STREAM.INFO.${BUCKET}`, "", count),
    newest: (count: number) => next(`$JS.API.STREAM.MSG.GET.${BUCKET}`, ".notes.", count),
  };
}
