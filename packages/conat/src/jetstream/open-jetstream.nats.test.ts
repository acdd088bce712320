import { connect } from "@nats-io/transport-node";
import { afterEach, describe, expect, it } from "vitest";
import type { StoreRef } from "../protocol/scope.ts";
import { eventually } from "../testing/eventually.ts";
import { FeedProbe, mutate, store } from "../testing/session-probe.ts";
import { startTestNats, type TestNats, type TestNatsOptions } from "../testing/test-nats.ts";
import type { JetstreamSession } from "./jetstream-session.ts";
import { createNkey } from "./nkey.ts";
import { openJetstream, startJetstream } from "./open-jetstream.ts";
import type { JetstreamOptions } from "./options.ts";

const scope = { kind: "account", id: "me" } as const;
const ref: StoreRef = { scope, name: "store", ephemeral: false, service: "" };
const servers: TestNats[] = [];
const sessions: JetstreamSession[] = [];

async function serve(options?: TestNatsOptions): Promise<TestNats> {
  const server = await startTestNats(options);
  servers.push(server);
  return server;
}

async function open(options: JetstreamOptions): Promise<JetstreamSession> {
  const session = await openJetstream(options);
  sessions.push(session);
  return session;
}

afterEach(async () => {
  await Promise.all(sessions.splice(0).map((session) => session.close()));
  await Promise.all(servers.splice(0).map((server) => server.stop()));
});

describe("opening a session on NATS", () => {
  it("at an address where nobody listens fails by the deadline and says where and why", async () => {
    const server = await serve();
    const { url } = server;
    await server.stop();
    const failed = openJetstream({ servers: url, connectTimeoutMs: 300 });
    await expect(failed).rejects.toMatchObject({
      kind: "timeout",
      message: expect.stringContaining(url),
    });
  });

  it.each(["", "127.0.0.1:4222", "http://127.0.0.1", "nats://", "nonsense"])(
    "at the address %j is refused at once",
    (address) => {
      expect(() => startJetstream({ servers: address })).toThrow(
        expect.objectContaining({ kind: "bad-address" }),
      );
    },
  );

  it("without JetStream fails by the deadline and says so", async () => {
    const { url } = await serve({ jetstream: false });
    const failed = openJetstream({ servers: url, connectTimeoutMs: 500 });
    await expect(failed).rejects.toMatchObject({
      kind: "timeout",
      message: expect.stringContaining("JetStream"),
    });
  });

  it("waits for a server that is not there yet", async () => {
    const server = await serve();
    await server.kill();
    const opening = open({ servers: server.url });
    await server.restart();
    expect((await opening).status.state).toBe("ready");
  });

  it("with the wrong token is refused at once, and with the right one is let in", async () => {
    const { url } = await serve({ config: ['authorization { token: "right" }'] });
    await expect(openJetstream({ servers: url, token: "wrong" })).rejects.toMatchObject({
      kind: "unauthenticated",
    });
    expect((await open({ servers: url, token: "right" })).status.state).toBe("ready");
    const inAddress = url.replace("nats://", "nats://right@");
    expect((await open({ servers: inAddress })).status.state).toBe("ready");
  });

  it("signs in with an nkey", async () => {
    const [key, stranger] = [createNkey(), createNkey()];
    const config = [`authorization { users: [ { nkey: ${key.publicKey} } ] }`];
    const { url } = await serve({ config });
    const session = await open({ servers: url, nkeySeed: key.seed });
    await store(session, ref, mutate(session, "a", "1"));
    const feed = new FeedProbe(session, ref);
    await feed.synced();
    await expect(openJetstream({ servers: url, nkeySeed: stranger.seed })).rejects.toMatchObject({
      kind: "unauthenticated",
    });
  });

  it("as somebody who may not use JetStream is refused by name", async () => {
    const user = '{ user: me, password: secret, permissions: { publish: { deny: "$JS.API.>" } } }';
    const { url } = await serve({ config: [`authorization { users: [ ${user} ] }`] });
    const servers = url.replace("nats://", "nats://me:secret@");
    await expect(openJetstream({ servers })).rejects.toMatchObject({ kind: "forbidden" });
  });

  it("as somebody who may not hear of elections does without", async () => {
    const user = '{ user: me, password: secret, permissions: { subscribe: { deny: "$JS.>" } } }';
    const server = await serve({ config: [`authorization { users: [ ${user} ] }`] });
    const session = await open({ servers: server.url.replace("nats://", "nats://me:secret@") });
    await store(session, ref, mutate(session, "a", "1"));
    expect(session.status.state).toBe("ready");
    await server.kill();
    await eventually(() => session.status.error !== undefined);
    expect(session.status.error?.message).not.toContain("Permissions");
  });

  it("finds the same buckets again, however many come first at the same time", async () => {
    const { url } = await serve();
    const all = await Promise.all(
      Array.from({ length: 5 }, () => open({ servers: url, partitions: 3 })),
    );
    const feeds = all.map((session) => new FeedProbe(session, ref));
    const checkpoints = await Promise.all(feeds.map((feed) => feed.synced()));
    expect(new Set(checkpoints.map(({ epoch }) => epoch)).size).toBe(1);
    const [first] = all;
    if (first === undefined) throw new Error("no session");
    const { seq } = await store(first, ref, mutate(first, "a", "1"));
    await Promise.all(feeds.map((feed) => feed.entryAt("a", seq)));
    const unasked = await open({ servers: url });
    expect(await unasked.read(ref, "a")).toMatchObject({ seq });
    await expect(openJetstream({ servers: url, partitions: 4 })).rejects.toMatchObject({
      kind: "bad-options",
      message: expect.stringMatching(/3 partitions, not 4/),
    });
  });

  it("does not take a stream that somebody else made for a bucket", async () => {
    const { url } = await serve();
    const connection = await connect({ servers: url });
    const config = { name: "KV_conat-p0", subjects: ["$KV.conat-p0.>"], storage: "file" };
    await connection.request("$JS.API.STREAM.CREATE.KV_conat-p0", JSON.stringify(config));
    await connection.close();
    await expect(openJetstream({ servers: url })).rejects.toMatchObject({
      kind: "bad-options",
      message: expect.stringMatching(/KV_conat-p0.*allow_msg_ttl is false and must be true/),
    });
  });

  it("makes its buckets again when the server comes back empty, in a new epoch", async () => {
    const server = await serve();
    const session = await open({ servers: server.url });
    await store(session, ref, mutate(session, "a", "1"));
    const feed = new FeedProbe(session, ref);
    const before = await feed.synced();
    const connection = await connect({ servers: server.url });
    await connection.request("$JS.API.STREAM.DELETE.KV_conat-p0");
    await connection.close();
    await server.restart();
    await eventually(() => feed.types.lastIndexOf("synced") > feed.types.indexOf("stale"));
    const after = await feed.synced();
    expect(after.epoch).not.toBe(before.epoch);
    await store(session, ref, mutate(session, "a", "2", { expectedSeq: 0 }));
  });

  it("tells checkpoints of its buckets' history from those of one that went further before it looked", async () => {
    const server = await serve();
    const writer = await open({ servers: server.url });
    for (const key of ["a", "b", "c"]) await store(writer, ref, mutate(writer, key, "1"));
    const session = await open({ servers: server.url });
    for (const key of ["d", "e"]) await store(writer, ref, mutate(writer, key, "1"));
    const { epoch } = await new FeedProbe(session, ref).synced();
    const now = session.serverTime();
    const longAgo = now - 3_600_000;
    expect(await session.knows(ref, { epoch, seq: 3, time: longAgo })).toBe(true);
    expect(await session.knows(ref, { epoch, seq: 5, time: now })).toBe(true);
    expect(await session.knows(ref, { epoch, seq: 5, time: longAgo })).toBe(false);
    expect(await session.knows(ref, { epoch, seq: 6, time: now })).toBe(false);
  });

  it("tells every change of its status, and nothing after it is closed", async () => {
    const server = await serve();
    const session = await open({ servers: server.url });
    const states: string[] = [];
    session.onStatus(({ state }) => states.push(state));
    await server.restart();
    await eventually(() => states.at(-1) === "ready");
    expect(states[0]).toBe("waiting");
    expect(states.slice(-2)).toEqual(["handshaking", "ready"]);
    await session.close();
    await session.close();
    expect(states.at(-1)).toBe("closed");
    expect(session.status.error).toMatchObject({ kind: "closed" });
    await expect(session.ready()).rejects.toMatchObject({ kind: "closed" });
    const told = states.length;
    await server.restart();
    expect(states).toHaveLength(told);
  });

  it("leaves no connection behind when it is closed", async () => {
    const { url } = await serve({ config: ['http: "127.0.0.1:-1"'] });
    const monitor = /http monitor on [^\n]*:(\d+)/.exec(servers.at(-1)?.log() ?? "")?.[1];
    const connections = async (): Promise<unknown> => {
      const answer: unknown = await (await fetch(`http://127.0.0.1:${monitor}/connz`)).json();
      return Object(answer).num_connections;
    };
    const session = await open({ servers: url });
    const feed = new FeedProbe(session, ref);
    await feed.synced();
    expect(await connections()).toBe(2);
    await session.close();
    await eventually(async () => (await connections()) === 0);
  });
});
