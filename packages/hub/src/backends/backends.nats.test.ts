import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Client, connect, dkv, PubSub } from "@conat/conat";
import { connect as dialNats, usernamePasswordAuthenticator } from "@nats-io/transport-node";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { parseServers } from "../../../conat/src/jetstream/address.ts";
import { tunnelSubjects, tunnelUser } from "../../../conat/src/protocol/subjects.ts";
import { HubSession } from "../../../conat/src/session/hub-session.ts";
import { eventually } from "../../../conat/src/testing/eventually.ts";
import { createTunnelRoute } from "../../../conat/src/tunnel/index.ts";
import { openTunnel } from "../../../conat/src/tunnel/open-tunnel.ts";
import { type Hub, startHub } from "../hub.ts";
import { BACKENDS_ACCOUNT } from "../nats-server/index.ts";
import { type HubsOnAccounts, startHubOnAccounts } from "../test-kit/accounts.ts";
import { signToken, TEST_SECRET } from "../test-kit/tokens.ts";

/** A hub with a NATS server of its own, and clients that end with the test. */
let hub: Hub;
let natsUrl = "";
let folder = "";
const clients: Client[] = [];

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "conat-backends-"));
  hub = await startHub({
    port: 0,
    dataDir: folder,
    jwt: { secret: TEST_SECRET },
    logger: "silent",
  });
  natsUrl = hub.natsUrl ?? "";
}, 30_000);
afterEach(async () => {
  await Promise.all(clients.splice(0).map((client) => client.close()));
  await hub.close();
  rmSync(folder, { recursive: true, force: true });
});

function keep(client: Client): Client {
  clients.push(client);
  return client;
}

async function openBackend(project_id: string): Promise<Client> {
  const client = keep(connect(natsUrl, { project_id, token: await signToken({ project_id }) }));
  await client.ready();
  return client;
}

async function openAccount(projects: readonly string[]): Promise<Client> {
  const token = await signToken({ account_id: "alice", projects });
  const client = keep(connect(hub.url, { token }));
  await client.ready();
  return client;
}

describe("a project's own backend that connects to NATS", () => {
  it("shares the project's stores and messages with who comes by Socket.IO", async () => {
    const [backend, account] = await Promise.all([openBackend("p1"), openAccount(["p1"])]);
    const at = { project_id: "p1", name: "build" };
    const there = await dkv<unknown>({ client: backend, ...at });
    const here = await dkv<unknown>({ client: account, ...at });
    there.set("log", "x".repeat(400_000));
    await there.save();
    await eventually(() => here.get("log") === "x".repeat(400_000));
    here.set("wanted", "stop");
    await eventually(() => there.get("wanted") === "stop");

    const heard: unknown[] = [];
    const listening = new PubSub<string>({ client: backend, ...at });
    listening.on("change", (data) => heard.push(data));
    const speaking = new PubSub<string>({ client: account, ...at });
    await eventually(() => {
      speaking.set("hello");
      return heard.includes("hello");
    });
  });

  it("is refused by name what is not its project's", async () => {
    const backend = await openBackend("p1");
    await expect(dkv({ client: backend, project_id: "p2", name: "build" })).rejects.toMatchObject({
      kind: "forbidden",
    });
  });

  it.each<[string, () => Promise<string>]>([
    ["of another project", () => signToken({ project_id: "p2" })],
    ["of an account that has the project", () => signToken({ account_id: "a", projects: ["p1"] })],
    ["of a trusted backend", () => signToken({ hub: true })],
    ["that has expired", () => signToken({ project_id: "p1" }, -60_000)],
    ["that nobody has signed", async () => "eyJhbGciOiJub25lIn0.eyJwcm9qZWN0X2lkIjoicDEifQ."],
    ["that is none", async () => ""],
  ])("does not come in with a token %s", async (_what, sign) => {
    const client = keep(connect(natsUrl, { project_id: "p1", token: await sign() }));
    await expect(client.ready(1_000)).rejects.toThrow("does not let this backend in");
  });

  it("is the project that NATS was told of, whatever token it shows inside the tunnel", async () => {
    const tokens = await Promise.all(["p1", "p2"].map((project_id) => signToken({ project_id })));
    const session = new HubSession({
      address: new URL("http://conat-hub"),
      token: tokens[1],
      route: () =>
        createTunnelRoute({
          addresses: parseServers(natsUrl),
          project_id: "p1",
          token: tokens[0],
        }),
    });
    await expect(session.ready()).rejects.toMatchObject({ kind: "forbidden" });
    await session.close();
  });

  it("hears at once that it is revoked, and does not come back with that token", async () => {
    const backend = await openBackend("p1");
    const store = await dkv({ client: backend, project_id: "p1", name: "build" });
    store.set("a", 1);
    await store.save();
    await hub.revoke({ project_id: "p1" });
    await eventually(() => backend.status.error?.kind === "revoked");
    await eventually(() => store.size === 0);
    expect(backend.status.state).toBe("refused");
  });

  it("goes on after the server has died, with what it had not stored", async () => {
    const backend = await openBackend("p1");
    const store = await dkv<number>({ client: backend, project_id: "p1", name: "build" });
    process.kill(hub.natsPid ?? Number.NaN, "SIGKILL");
    store.set("a", 1);
    await store.save();
    const account = await openAccount(["p1"]);
    const other = await dkv<number>({ client: account, project_id: "p1", name: "build" });
    expect(other.get("a")).toBe(1);
  }, 40_000);
});

it("a hub that NATS does not let hear backends is not ready, says so, and is again when it may", async () => {
  const file = join(folder, "nats-server.conf");
  const config = readFileSync(file, "utf8");
  const user = new RegExp(`(${BACKENDS_ACCOUNT} \\{\\s+users: \\[ \\{ nkey: "[A-Z0-9]+")`);
  expect(config).toMatch(user);
  const denied = config.replace(user, '$1, permissions: { subscribe: { deny: "conat-tunnel.>" } }');
  const readiness = async (): Promise<string> => (await fetch(`${hub.url}/readyz`)).text();
  const configure = (text: string): void => {
    writeFileSync(file, text);
    process.kill(hub.natsPid ?? Number.NaN, "SIGHUP");
  };
  expect(await readiness()).toBe("ready\n");
  configure(denied);
  const silence = "not ready: NATS does not let it hear projects' backends\n";
  await eventually(async () => (await readiness()) === silence);
  configure(config);
  await eventually(async () => (await readiness()) === "ready\n");
  await openBackend("p1");
}, 40_000);

describe("projects' backends on a NATS server that hubs share", () => {
  let shared: HubsOnAccounts;
  beforeEach(async () => {
    shared = await startHubOnAccounts();
  });
  afterEach(() => shared.close());

  it("move to another hub when theirs is drained, and when it is gone", async () => {
    const jwt = { secret: TEST_SECRET };
    const first = await shared.startHub({ jwt, name: "first" });
    const token = await signToken({ project_id: "p1" });
    const client = keep(connect(shared.nats.url, { project_id: "p1", token }));
    const store = await dkv<number>({ client, project_id: "p1", name: "build" });
    const second = await shared.startHub({ jwt, name: "second" });
    await first.close({ drainMs: 5_000 });
    store.set("a", 1);
    await store.save();
    const third = await shared.startHub({ jwt, name: "third" });
    await second.close();
    store.set("b", 2);
    await store.save();
    expect(await third.session.listStores({ kind: "project", id: "p1" })).toMatchObject([
      { name: "build", keys: 2 },
    ]);
  }, 40_000);

  it.each([
    ["nothing", ""],
    ["a plain request", "GET /healthz HTTP/1.1\r\nHost: hub\r\n\r\n"],
    [
      "a WebSocket where none is",
      "GET /nowhere HTTP/1.1\r\nHost: hub\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
    ],
  ])("do not stay with %s in their tunnel", async (_what, text) => {
    await shared.startHub({ dev: true, handshakeTimeoutMs: 1_000 });
    const tunnel = await openTunnel({
      addresses: parseServers(shared.nats.url),
      project_id: "p1",
      token: undefined,
    });
    tunnel.write(text);
    tunnel.resume();
    await eventually(() => tunnel.destroyed);
  });

  it("are refused by name when they ask for too many tunnels at once, and unheard in none at all", async () => {
    const limited = await shared.startHub({
      jwt: { secret: TEST_SECRET },
      limits: { maxAddressHandshakeRate: 1 },
    });
    const connection = "connection-of-p1-0001";
    const way = tunnelSubjects("p1", connection);
    const token = await signToken({ project_id: "p1" });
    const user = tunnelUser("p1", connection);
    await using nats = await dialNats({
      servers: new URL(shared.nats.url).host,
      authenticator: usernamePasswordAuthenticator(user, token),
    });
    const texts: string[] = [];
    nats.subscribe(way.down, {
      callback: (_error, { data }) => void texts.push(new TextDecoder().decode(data.subarray(9))),
    });
    const limits = async (): Promise<string> => (await fetch(`${limited.url}/metrics`)).text();

    for (let count = 0; count < 20; count += 1) nats.publish(way.open);
    await eventually(() => texts.filter((text) => text.includes("too many")).length > 10);
    expect(await limits()).toMatch(/conat_limited_total\{limit="backend-tunnels"\} 1\d/);

    const [hubId = ""] = texts;
    const before = texts.length;
    // What is no message ends the tunnel.
    nats.publish(way.up(hubId), new Uint8Array());
    await eventually(() => texts.length > before);
    for (let count = 0; count < 20; count += 1) nats.publish(way.up(hubId), new Uint8Array());
    await eventually(async () => {
      expect(await limits()).toMatch(/conat_limited_total\{limit="backend-strays"\} 1\d/);
    });
  });

  it("are told in words that there is no hub, and come in when there is one", async () => {
    const client = keep(connect(shared.nats.url, { project_id: "p1" }));
    await eventually(() => /no hub to ask/.test(client.status.error?.message ?? ""));
    await shared.startHub({ dev: true });
    await client.ready();
  }, 40_000);

  it("renew their token without another connection", async () => {
    await shared.startHub({ jwt: { secret: TEST_SECRET } });
    let asked = 0;
    const token = (): Promise<string> => {
      asked += 1;
      return signToken({ project_id: "p1" }, asked === 1 ? 1_500 : 3_600_000);
    };
    const client = keep(connect(shared.nats.url, { project_id: "p1", token }));
    const states: string[] = [];
    await client.ready();
    client.onStatus(({ state }) => states.push(state));
    await eventually(() => asked === 2);
    const store = await dkv<number>({ client, project_id: "p1", name: "build" });
    store.set("a", 1);
    await store.save();
    expect(states).toEqual([]);
  }, 40_000);
});
