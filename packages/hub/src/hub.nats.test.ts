import { connect } from "@nats-io/transport-node";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import type { StoreRef } from "../../conat/src/protocol/scope.ts";
import { HubSession } from "../../conat/src/session/hub-session.ts";
import { eventually } from "../../conat/src/testing/eventually.ts";
import {
  FeedProbe,
  mutate,
  refused,
  store,
  TopicProbe,
  writeAll,
} from "../../conat/src/testing/session-probe.ts";
import { useTestNats } from "../../conat/src/testing/use-test-nats.ts";
import { type Hub, startHub } from "./hub.ts";

const nats = useTestNats();
let hub: Hub;
let scopes = 0;
const sessions: HubSession[] = [];

beforeAll(async () => {
  hub = await startHub({
    port: 0,
    dev: true,
    natsUrl: nats().url,
    limits: { maxOpenStores: 1_000, maxSubscriptions: 3, maxValueBytes: 1_000 },
  });
});
afterEach(async () => {
  await Promise.all(sessions.splice(0).map((session) => session.close()));
});
afterAll(async () => {
  await hub.close();
});

async function enter(identity: { account_id?: string; project_id?: string; projects?: string[] }) {
  const session = new HubSession({ address: new URL(hub.url), identity });
  sessions.push(session);
  await session.ready();
  return session;
}

function freshProject(): string {
  scopes += 1;
  return `project-${scopes}`;
}

function storeOf(project: string, name = "s"): StoreRef {
  return { scope: { kind: "project", id: project }, name, ephemeral: false, service: "" };
}

/** How a feed ended. */
async function ending(feed: FeedProbe): Promise<unknown> {
  await eventually(() => feed.types.at(-1) === "closed");
  const last = feed.events.at(-1);
  return last?.type === "closed" ? last.error : undefined;
}

async function metric(name: string): Promise<number> {
  const text = await (await fetch(`${hub.url}/metrics`)).text();
  const line = text.split("\n").find((one) => one.startsWith(`${name} `));
  return Number(line?.split(" ").at(-1));
}

describe("two browsers on one hub", () => {
  it("share a store: each sees at once what the other sets and deletes", async () => {
    const project = freshProject();
    const one = await enter({ account_id: "a", projects: [project] });
    const two = await enter({ project_id: project });
    const feeds = [one, two].map((session) => new FeedProbe(session, storeOf(project)));
    await Promise.all(feeds.map((feed) => feed.synced()));
    await store(one, storeOf(project), mutate(one, "k", "from one"));
    await eventually(() => feeds.every((feed) => feed.textOf("k") === "from one"));
    await store(two, storeOf(project), mutate(two, "k", undefined));
    await eventually(() => feeds.every((feed) => feed.latest.get("k")?.kind === "delete"));
  });

  it("take part of one replica, and each entry goes once to a client with two feeds of the store", async () => {
    const project = freshProject();
    const before = await metric("conat_open_stores");
    const one = await enter({ project_id: project });
    const two = await enter({ project_id: project });
    const feeds = [one, one, two].map((session) => new FeedProbe(session, storeOf(project)));
    await Promise.all(feeds.map((feed) => feed.synced()));
    expect(await metric("conat_open_stores")).toBe(before + 1);
    await writeAll(one, storeOf(project), [mutate(one, "a", "1"), mutate(one, "b", "2")]);
    await eventually(() => feeds.every((feed) => feed.latest.size === 2));
    expect(feeds.map((feed) => feed.entries.length)).toEqual([2, 2, 2]);
  });

  it("hear each other on a topic, once each", async () => {
    const project = freshProject();
    const topic = { scope: { kind: "project" as const, id: project }, path: "", name: "t" };
    const one = await enter({ project_id: project });
    const two = await enter({ project_id: project });
    const probes = [one, one, two].map((session) => new TopicProbe(session, topic));
    await eventually(async () => (await metric("conat_subscriptions")) >= 3);
    two.publish(topic, { data: new Uint8Array([1]), origin: "" });
    two.publish(topic, { data: new Uint8Array([2]), origin: "forged" });
    await eventually(() => probes.every((probe) => probe.messages.length === 2));
    for (const { messages } of probes) {
      expect(messages.map(({ data }) => data[0])).toEqual([1, 2]);
      expect(messages.map(({ origin }) => origin)).toEqual([two.origin, two.origin]);
    }
  });
});

describe("somebody who does not belong", () => {
  it("is refused by name: reading, writing, listening", async () => {
    const stranger = await enter({ account_id: "stranger", projects: ["their-own"] });
    const foreign = storeOf("secret-project");
    expect(await ending(new FeedProbe(stranger, foreign))).toMatchObject({
      kind: "forbidden",
      message: "account stranger may not read in scope project/secret-project",
    });
    expect((await refused(stranger, foreign, mutate(stranger, "k", "1"))).error.kind).toBe(
      "forbidden",
    );
    await expect(stranger.read(foreign, "k")).rejects.toMatchObject({ kind: "forbidden" });
    const probe = new TopicProbe(stranger, { scope: foreign.scope, path: "", name: "t" });
    await eventually(() => probe.closed.length === 1);
    expect(probe.closed).toMatchObject([{ kind: "forbidden" }]);
  });

  it("may read what the hub publishes for everybody, and write none of it", async () => {
    const anybody = await enter({ project_id: freshProject() });
    const news: StoreRef = {
      scope: { kind: "hub", id: "" },
      name: "public",
      ephemeral: false,
      service: "",
    };
    await store(hub.session, news, mutate(hub.session, "motd", "hello"));
    const feed = new FeedProbe(anybody, news);
    await feed.synced();
    expect(feed.textOf("motd")).toBe("hello");
    expect((await refused(anybody, news, mutate(anybody, "motd", "x"))).error.kind).toBe(
      "forbidden",
    );
    const secret = new FeedProbe(anybody, { ...news, name: "secret" });
    expect(await ending(secret)).toMatchObject({ kind: "forbidden" });
  });
});

describe("limits", () => {
  it("too large a value is refused by name, and the other writes of the same moment are stored", async () => {
    const project = freshProject();
    const session = await enter({ project_id: project });
    const results = await writeAll(session, storeOf(project), [
      mutate(session, "a", "1"),
      mutate(session, "b", new Uint8Array(1_001)),
      mutate(session, "c", new Uint8Array(1_000)),
    ]);
    expect(results.map((result) => (result.ok ? "stored" : result.error.kind))).toEqual([
      "stored",
      "value-too-large",
      "stored",
    ]);
  });

  it("one subscription too many is refused by name, the others go on", async () => {
    const project = freshProject();
    const session = await enter({ project_id: project });
    const scope = { kind: "project" as const, id: project };
    const probes = ["1", "2", "3", "4"].map(
      (name) => new TopicProbe(session, { scope, path: "", name }),
    );
    await eventually(() => probes[3]?.closed.length === 1);
    expect(probes[3]?.closed).toMatchObject([{ kind: "limit-exceeded" }]);
    session.publish({ scope, path: "", name: "1" }, { data: new Uint8Array(1), origin: "" });
    await eventually(() => probes[0]?.messages.length === 1);
  });

  it("one open store too many is refused by name, and there is room again when one is closed", async () => {
    const project = freshProject();
    const small = await startHub({
      port: 0,
      dev: true,
      natsUrl: nats().url,
      limits: { maxOpenStores: 2 },
    });
    const session = new HubSession({
      address: new URL(small.url),
      identity: { project_id: project },
    });
    const open = (name: string): FeedProbe => new FeedProbe(session, storeOf(project, name));
    const [first] = [open("1"), open("2")];
    expect(await ending(open("3"))).toMatchObject({ kind: "limit-exceeded" });
    first?.close();
    await open("4").synced();
    await session.close();
    await small.close();
  });
});

it("a thousand stores opened over one hub leave no JetStream consumer behind", async () => {
  const project = freshProject();
  const session = await enter({ project_id: project });
  const feeds = Array.from(
    { length: 1_000 },
    (_, at) => new FeedProbe(session, storeOf(project, `s${at}`)),
  );
  await Promise.all(feeds.map((feed) => feed.synced()));
  const direct = await connect({ servers: nats().url });
  const answer = await direct.request("$JS.API.CONSUMER.LIST.KV_conat-p0", "{}");
  expect(answer.json()).toMatchObject({ total: 0 });
  await direct.close();
  expect(await metric("conat_open_feeds")).toBe(1_000);
  for (const feed of feeds) feed.close();
  await eventually(async () => (await metric("conat_open_feeds")) === 0);
});

it("a hub whose NATS goes away says so, refuses writes by name, and carries on when it is back", async () => {
  const project = freshProject();
  const session = await enter({ project_id: project });
  const feed = new FeedProbe(session, storeOf(project));
  await feed.synced();
  await store(session, storeOf(project), mutate(session, "a", "1"));
  await nats().kill();
  await eventually(() => feed.types.at(-1) === "stale");
  expect((await fetch(`${hub.url}/readyz`)).status).toBe(503);
  expect((await fetch(`${hub.url}/healthz`)).status).toBe(200);
  const { error } = await refused(session, storeOf(project), mutate(session, "b", "1"));
  expect(error.kind).toBe("unavailable");
  expect(session.status.state).toBe("ready");
  await nats().restart();
  await eventually(() => feed.types.at(-1) === "synced", { timeoutMs: 20_000 });
  const { seq } = await store(session, storeOf(project), mutate(session, "c", "1"));
  await feed.entryAt("c", seq);
  expect({ ...feed.content() }).toEqual({ a: "1", c: "1" });
  expect((await fetch(`${hub.url}/readyz`)).status).toBe(200);
});
