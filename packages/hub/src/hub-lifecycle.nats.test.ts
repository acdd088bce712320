import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { connect as connectTcp } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ConatError } from "@conat/conat/internal";
import { pino } from "pino";
import { afterEach, describe, expect, it } from "vitest";
import { HubSession } from "../../conat/src/session/hub-session.ts";
import { eventually } from "../../conat/src/testing/eventually.ts";
import { FeedProbe, mutate, store, writeAll } from "../../conat/src/testing/session-probe.ts";
import { startTestNats } from "../../conat/src/testing/test-nats.ts";
import { useTestNats } from "../../conat/src/testing/use-test-nats.ts";
import { type Hub, startHub } from "./hub.ts";
import type { HubOptions } from "./hub-options.ts";
import { createBackendKeys } from "./nats-server/index.ts";
import { accountIdentity } from "./scope/identity.ts";
import { helloOf, RawClient } from "./test-kit/raw-client.ts";

const nats = useTestNats();
const toClose: { close(): Promise<void> | void }[] = [];

afterEach(async () => {
  for (const one of toClose.splice(0).reverse()) await one.close();
});

async function start(options: HubOptions = { dev: true }): Promise<Hub> {
  const hub = await startHub({ port: 0, natsUrl: nats().url, logger: "silent", ...options });
  toClose.push(hub);
  return hub;
}

async function enterRaw(hub: Hub, auth: unknown): Promise<RawClient> {
  const client = await RawClient.open(hub.url, { auth });
  toClose.push(client);
  return client;
}

function enter(hub: Hub): HubSession {
  const session = new HubSession({
    address: new URL(hub.url),
    identity: { account_id: "me", projects: ["p"] },
  });
  toClose.push(session);
  return session;
}

const ref = {
  scope: { kind: "project" as const, id: "p" },
  name: "s",
  ephemeral: false,
  service: "",
};
const me = helloOf({ account_id: "me" });

describe("options that do not go together are refused by name", () => {
  it.each<[string, HubOptions, RegExp]>([
    ["development mode on every address", { dev: true, host: "0.0.0.0" }, /loopback only/],
    ["development mode on a public address", { dev: true, host: "192.0.2.1" }, /loopback only/],
    ...["nats://192.0.2.1:4222", "nats://127.0.0.1:4222,nats://nats.example.org"].map(
      (natsUrl): [string, HubOptions, RegExp] => [
        `development mode for backends that come through ${natsUrl}`,
        { dev: true, natsUrl, natsBackendKeys: createBackendKeys() },
        /only through NATS on loopback/,
      ],
    ),
    ["nobody to say who connects", {}, /authenticator/],
    [
      "two who say who connects",
      { dev: true, authenticator: { authenticate: async () => accountIdentity("a") } },
      /one of the two/,
    ],
    ["a page that is not there", { dev: true, staticDir: "/no/such/folder" }, /no folder/],
  ])("%s", async (_what, options, message) => {
    await expect(startHub({ port: 0, natsUrl: nats().url, ...options })).rejects.toMatchObject({
      kind: "bad-options",
      message: expect.stringMatching(message),
    });
  });
});

describe("an authenticator of the embedding application", () => {
  it("decides who a client is, from its token and its headers", async () => {
    const seen: unknown[] = [];
    const hub = await start({
      authenticator: {
        authenticate: async ({ hello, headers, address }) => {
          seen.push([hello.token, headers.cookie, address]);
          return accountIdentity("from-the-token");
        },
      },
    });
    const client = await RawClient.open(hub.url, {
      auth: { ...helloOf({ account_id: "whatever it says" }), token: "t" },
      headers: { Cookie: "c=1" },
    });
    toClose.push(client);
    await eventually(() => client.heard("welcome").length === 1);
    expect(seen).toEqual([["t", "c=1", "127.0.0.1"]]);
    client.send("read", 1, ["account", "whatever it says", "s", 0, ""], "k");
    client.send("read", 2, ["account", "from-the-token", "s", 0, ""], "k");
    await eventually(() => client.heard("entry").length === 2);
    const answers = new Map(client.heard("entry").map(([id, , refusal]) => [id, refusal]));
    expect(answers.get(1)).toMatchObject(["forbidden", /account from-the-token/]);
    expect(answers.get(2)).toBeNull();
  });

  it.each<[string, () => Promise<never>, unknown]>([
    [
      "refuses by name",
      async () => {
        throw new ConatError("unauthenticated", "the token has expired: sign in again");
      },
      { kind: "unauthenticated", message: "the token has expired: sign in again" },
    ],
    [
      "fails, and its secrets stay on the hub",
      async () => {
        throw new Error("connection to postgres://user:secret@db failed");
      },
      { kind: "internal", message: "authentication failed" },
    ],
    [
      "does not answer",
      () => new Promise<never>(() => undefined),
      { kind: "timeout", message: "authentication took longer than 50 ms" },
    ],
  ])("that %s", async (_what, authenticate, data) => {
    const hub = await start({ authenticator: { authenticate }, handshakeTimeoutMs: 50 });
    const client = await enterRaw(hub, me);
    await eventually(() => client.refusal !== undefined);
    expect(client.refusal).toMatchObject({ data });
  });
});

it("a connection that never says who it is does not stay", async () => {
  const hub = await start({ dev: true, handshakeTimeoutMs: 100 });
  const client = await RawClient.open(hub.url, { silent: true });
  toClose.push(client);
  await eventually(() => client.isClosed);
});

it("a peer that asks for a WebSocket where none is does not stay, though it was answered before", async () => {
  const hub = await start({ dev: true, handshakeTimeoutMs: 100 });
  const peer = connectTcp(hub.port, "127.0.0.1");
  const upgrade =
    "GET /nowhere HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n";
  peer.write("GET /healthz HTTP/1.1\r\nHost: h\r\n\r\n");
  peer.once("data", () => peer.write(upgrade));
  peer.resume();
  await once(peer, "close");
});

it("a peer that never says what it wants does not stay", async () => {
  const hub = await start({ dev: true, handshakeTimeoutMs: 100 });
  const peer = connectTcp(hub.port, "127.0.0.1");
  peer.write("GET / HTTP/1.1\r\nX-Slow: ");
  peer.resume();
  await once(peer, "close");
});

it("every answer of the hub carries the headers that keep a browser from taking it for more", async () => {
  const hub = await start({ dev: true });
  for (const path of [
    "/healthz",
    "/nothing",
    "/socket.io/?EIO=4&transport=polling",
    "/socket.io/",
  ]) {
    const { headers } = await fetch(`${hub.url}${path}`);
    expect([path, headers.get("x-content-type-options")]).toEqual([path, "nosniff"]);
    expect([path, headers.get("x-frame-options")]).toEqual([path, "SAMEORIGIN"]);
  }
});

it("a client that does not answer a ping does not stay", async () => {
  const hub = await start({ dev: true, pingIntervalMs: 50, pingTimeoutMs: 50 });
  const client = await enterRaw(hub, me);
  await eventually(() => client.heard("welcome").length === 1);
  client.pause();
  await eventually(async () => {
    const text = await (await fetch(`${hub.url}/metrics`)).text();
    return /^conat_connections 0$/m.test(text);
  });
});

describe("two hubs on one NATS", () => {
  it("let their clients share a store, and a client that moves gets only what it has missed", async () => {
    const [one, two] = [await start(), await start()];
    const here = enter(one);
    const there = enter(two);
    const feeds = [here, there].map((session) => new FeedProbe(session, ref));
    await Promise.all(feeds.map((feed) => feed.synced()));
    await store(here, ref, mutate(here, "a", "from one"));
    await store(there, ref, mutate(there, "b", "from two"));
    await eventually(() => feeds.every((feed) => feed.latest.size === 2));
    const reached = await feeds[0]?.synced();
    await here.close();

    // The same client at the other hub: it gets what it has missed, and nothing else.
    await store(there, ref, mutate(there, "c", "meanwhile"));
    const moved = enter(two);
    await moved.ready();
    const feed = new FeedProbe(moved, ref, reached);
    await feed.synced();
    expect(feed.events[0]).toMatchObject({ type: "reset", mode: "delta" });
    expect(feed.textOf("c")).toBe("meanwhile");
  });
});

describe("a hub that is asked to stop", () => {
  it("tells its clients, lets nobody in any more, and waits until they have gone", async () => {
    const hub = await start();
    const client = await enterRaw(hub, me);
    await eventually(() => client.heard("welcome").length === 1);
    let drained = false;
    const draining = hub.drain(60_000).then(() => {
      drained = true;
    });
    await eventually(() => client.heard("bye").length === 1);
    expect(client.heard("bye")).toEqual([
      ["unavailable", expect.stringMatching(/connect/), 60_000],
    ]);
    const late = await enterRaw(hub, me);
    await eventually(() => late.refusal !== undefined);
    expect(late.refusal).toMatchObject({ data: { kind: "unavailable" } });
    expect(drained).toBe(false);
    client.close();
    await draining;
  });

  it("answers the writes it has taken on", async () => {
    const hub = await start();
    const session = enter(hub);
    await session.ready();
    const answers = writeAll(
      session,
      ref,
      Array.from({ length: 500 }, (_, at) => mutate(session, `key-${at}`, "v")),
    );
    // Long enough for the frame to arrive, not for all of it to be stored.
    await session.read(ref, "key-0");
    await hub.close();
    const results = await answers;
    expect(results.filter(({ ok }) => !ok)).toEqual([]);
  });

  it("ends though a client neither reads nor leaves", async () => {
    const hub = await start();
    const client = await enterRaw(hub, me);
    await eventually(() => client.heard("welcome").length === 1);
    client.pause();
    await hub.close();
    await hub.close();
    await expect(fetch(hub.url)).rejects.toThrow();
  });
});

it("who was away for longer than the buckets remember removals gets the whole store, whatever the hub was told", async () => {
  // The bucket of this server was made by the first hub of this file, with the default of a day.
  const hub = await start({ dev: true, markerTtlMs: 1_000 });
  const session = enter(hub);
  const day = 86_400_000;
  const before = await new FeedProbe(session, ref).synced();
  const since = { ...before, time: Date.now() - 10_000 };
  const feed = new FeedProbe(session, ref, since);
  await feed.synced();
  expect(feed.events[0]).toMatchObject({ type: "reset", mode: "delta" });
  const long = new FeedProbe(session, ref, { ...before, time: Date.now() - day });
  await long.synced();
  expect(long.events[0]).toMatchObject({ type: "reset", mode: "full" });
});

it("a hub that was cut off from NATS can be closed", async () => {
  const server = await startTestNats();
  toClose.push({ close: () => server.stop() });
  const said: string[] = [];
  const logger = pino({ level: "warn" }, { write: (line) => void said.push(line) });
  const hub = await start({ dev: true, natsUrl: server.url, leaseMs: 1_000, logger });
  await server.kill();
  // By then a sign of life is under way that nobody will answer.
  await eventually(() => said.some((line) => line.includes("cut off from the other hubs")));
  await hub.close();
});

it("a hub whose own server cannot be restarted says so", async () => {
  const dataDir = await mkdtemp(join(tmpdir(), "conat hub "));
  const binary = join(dataDir, "nats-server");
  const real = process.env.CONAT_NATS_SERVER || "nats-server";
  await writeFile(binary, `#!/bin/sh\nexec "${real}" "$@"\n`, { mode: 0o755 });
  let onNatsLost = (): void => {};
  const lost = new Promise<void>((resolve) => {
    onNatsLost = resolve;
  });
  const { natsPid } = await start({
    dev: true,
    natsUrl: undefined,
    dataDir,
    natsServerBinary: binary,
    maxNatsRestarts: 1,
    onNatsLost,
  });
  await writeFile(binary, "#!/bin/sh\nexit 1\n");
  if (natsPid !== undefined) process.kill(natsPid, "SIGKILL");
  await lost;
  await toClose.pop()?.close();
  await rm(dataDir, { recursive: true });
});
