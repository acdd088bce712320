import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { type Agent, get, type IncomingMessage } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect as connectClient, dkv } from "@conat/conat";
import {
  connect,
  headers,
  type NatsConnection,
  nkeyAuthenticator,
  usernamePasswordAuthenticator,
} from "@nats-io/transport-node";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { parseServers } from "../../../conat/src/jetstream/address.ts";
import { tunnelSubjects, tunnelUser } from "../../../conat/src/protocol/subjects.ts";
import { eventually } from "../../../conat/src/testing/eventually.ts";
import { createTunnelRoute, encodeTunnelMessage } from "../../../conat/src/tunnel/index.ts";
import { type Hub, startHub } from "../hub.ts";
import { parseBackendKeys } from "../nats-server/index.ts";
import { signToken, TEST_SECRET } from "../test-kit/tokens.ts";

/**
 * Every way in which a backend in the data's own account could get out of its scope, all measured to work there, tried by
 * project p1's backend with NATS in its hands against project p2.
 */
const CONNECTION = "connection-of-p1-0001";
const P1 = tunnelSubjects("p1", CONNECTION);
const KEY = "$KV.conat-p0.project.p2.secrets.a";
const STREAM = "KV_conat-p0";

let hub: Hub;
let folder = "";
const open: NatsConnection[] = [];

const isWelcome = ([kind]: Uint8Array): boolean => kind === 0;

/** What NATS did not let a connection do. */
const denied = new Map<NatsConnection, string[]>();

async function dial(options: Parameters<typeof connect>[0]): Promise<NatsConnection> {
  const servers = new URL(hub.natsUrl ?? "").host;
  const nats = await connect({ servers, reconnect: false, ...options });
  const refusals: string[] = [];
  denied.set(nats, refusals);
  void (async () => {
    for await (const status of nats.status()) {
      if (status.type === "error") refusals.push(String(status.error));
    }
  })();
  open.push(nats);
  return nats;
}

async function dialAsP1(): Promise<NatsConnection> {
  const token = await signToken({ project_id: "p1" });
  const user = tunnelUser("p1", CONNECTION);
  return dial({ authenticator: usernamePasswordAuthenticator(user, token) });
}

/** With every right that there is in the backends' account: what keeps it out is the account alone. */
function dialAsGate(): Promise<NatsConnection> {
  const keys = parseBackendKeys(readFileSync(join(folder, "backends.nk"), "utf8"));
  return dial({ authenticator: nkeyAuthenticator(new TextEncoder().encode(keys.gate)) });
}

/** What NATS answered, or that it did not within a round trip after everything was delivered. */
async function ask(nats: NatsConnection, subject: string, payload = ""): Promise<string> {
  try {
    const answer = await nats.request(subject, payload, { timeout: 300 });
    return answer.string();
  } catch (error) {
    return error instanceof Error ? error.name : String(error);
  }
}

async function stored(): Promise<Map<string, unknown>> {
  const token = await signToken({ project_id: "p2" });
  const client = connectClient(hub.url, { token });
  try {
    const store = await dkv<unknown>({ client, project_id: "p2", name: "secrets" });
    return new Map(store.entries());
  } finally {
    await client.close();
  }
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "conat-ways-out-"));
  const page = join(folder, "page");
  mkdirSync(page);
  writeFileSync(join(page, "index.html"), "the page");
  hub = await startHub({
    port: 0,
    dataDir: folder,
    staticDir: page,
    jwt: { secret: TEST_SECRET },
    logger: "silent",
  });
  const token = await signToken({ project_id: "p2" });
  const client = connectClient(hub.url, { token });
  const store = await dkv<unknown>({ client, project_id: "p2", name: "secrets" });
  store.set("a", "of p2");
  store.set("b", "of p2, too");
  await store.save();
  await client.close();
}, 30_000);
afterEach(async () => {
  await Promise.all(open.splice(0).map((nats) => nats.close()));
});
afterAll(async () => {
  await hub.close();
  rmSync(folder, { recursive: true, force: true });
});

const PUBLISHES: readonly [string, string, Record<string, string>][] = [
  ["an entry of another project", KEY, {}],
  ["a roll-up of a whole bucket", "$KV.conat-p0.project.p1.mine.a", { "Nats-Rollup": "all" }],
  ["an entry of its own, past the rules", "$KV.conat-p0.project.p1.mine.a", {}],
  ["a message id of another tenant", KEY, { "Nats-Msg-Id": "somebody.1" }],
  ["one of the 50 open batches", KEY, { "Nats-Batch-Id": "b1", "Nats-Batch-Sequence": "1" }],
  ["what readers take for stored", "conat-live.conat-p0.project.p2.secrets", {}],
  ["a message of another project", "conat-ps.project.p2.=.news", {}],
  ["a purge", `$JS.API.STREAM.PURGE.${STREAM}`, {}],
  ["the removal of a bucket", `$JS.API.STREAM.DELETE.${STREAM}`, {}],
  ["an acknowledgement of somebody's consumer", `$JS.ACK.${STREAM}.c.1.1.1.1.1`, {}],
  ["a wish for another project's tunnel", tunnelSubjects("p2", CONNECTION).open, {}],
  ["bytes in another project's tunnel", tunnelSubjects("p2", CONNECTION).up("any"), {}],
  [
    "bytes to another client of its own project",
    tunnelSubjects("p1", "another-connection").down,
    {},
  ],
  ["a question of a NATS server to hubs", "$SYS.REQ.USER.AUTH", {}],
  ["a question to a NATS server", "$SYS.REQ.SERVER.PING", {}],
];

const SUBSCRIPTIONS = [
  ">",
  "*.>",
  "$KV.>",
  "$JS.>",
  "$SYS.>",
  "$SYS.REQ.USER.AUTH",
  "conat-live.>",
  "conat-live.conat-p0.project.p1.>",
  "conat-ps.>",
  "conat-tunnel.>",
  "conat-tunnel.down.project.p1.*",
  "conat-tunnel.down.project.p2.>",
  "conat-tunnel.open.>",
  "conat-tunnel.up.>",
  "_INBOX.>",
];

const READS: readonly [string, string, string][] = [
  ["one entry", `$JS.API.DIRECT.GET.${STREAM}.${KEY}`, ""],
  ["the whole bucket", `$JS.API.DIRECT.GET.${STREAM}`, JSON.stringify({ multi_last: [">"] })],
  ["a message by its number", `$JS.API.STREAM.MSG.GET.${STREAM}`, JSON.stringify({ seq: 1 })],
  ["what streams there are", "$JS.API.STREAM.NAMES", ""],
  ["a consumer of a whole bucket", `$JS.API.CONSUMER.CREATE.${STREAM}`, "{}"],
  ["a consumer that delivers elsewhere", `$JS.API.CONSUMER.CREATE.${STREAM}.c.>`, "{}"],
  ["somebody's consumer", `$JS.API.CONSUMER.MSG.NEXT.${STREAM}.c`, ""],
];

describe("a project's backend with NATS in its hands", () => {
  it.each(PUBLISHES)("cannot publish %s", async (_what, subject, values) => {
    const nats = await dialAsP1();
    const all = headers();
    for (const [name, value] of Object.entries(values)) all.set(name, value);
    nats.publish(subject, "from p1", { headers: all });
    await eventually(() => denied.get(nats)?.some((text) => text.includes(subject)));
    expect(await stored()).toEqual(
      new Map([
        ["a", "of p2"],
        ["b", "of p2, too"],
      ]),
    );
  });

  it.each(SUBSCRIPTIONS)("cannot listen to %s", async (subject) => {
    const nats = await dialAsP1();
    const error = await new Promise((resolve) => {
      nats.subscribe(subject, { callback: (problem) => resolve(problem) });
    });
    expect(String(error)).toMatch(/permissions violation/i);
  });

  it.each(READS)("cannot read %s", async (_what, subject, payload) => {
    const nats = await dialAsP1();
    nats.publish(subject, payload, { reply: P1.down });
    await eventually(() => denied.get(nats)?.some((text) => text.includes(subject)));
  });

  it("cannot make a hub or a server write elsewhere by a reply subject", async () => {
    const nats = await dialAsP1();
    const gate = await dialAsGate();
    const elsewhere: string[] = [];
    for (const subject of [KEY, "conat-live.>", "conat-tunnel.down.project.p2.>"]) {
      gate.subscribe(subject, {
        callback: (_error, message) => void elsewhere.push(message.subject),
      });
    }
    await gate.flush();
    const answers: string[] = [];
    nats.subscribe(P1.down, { callback: (_error, message) => void answers.push(message.subject) });
    for (const reply of [
      KEY,
      "conat-live.conat-p0.project.p2.secrets",
      tunnelSubjects("p2", CONNECTION).down,
    ]) {
      nats.publish(P1.open, "", { reply });
      nats.publish(P1.up("nobody"), encodeTunnelMessage("data", 1), { reply });
    }
    await eventually(() => answers.length >= 3);
    await Promise.all([nats.flush(), gate.flush()]);
    expect(elsewhere).toEqual([]);
    expect(await stored()).toEqual(
      new Map([
        ["a", "of p2"],
        ["b", "of p2, too"],
      ]),
    );
  });

  it("cannot open more subscriptions than a tunnel needs, nor send what no tunnel carries", async () => {
    const nats = await dialAsP1();
    for (let count = 0; count < 10; count += 1)
      nats.subscribe(P1.down, { callback: () => undefined });
    await eventually(() => denied.get(nats)?.some((text) => /maximum subscriptions/i.test(text)));
    expect(nats.info?.max_payload).toBe(131_072);
  });

  it.each(["/metrics", "/readyz", "/healthz", "/", "/index.html"])(
    "cannot ask the hub for %s through its tunnel",
    async (path) => {
      expect((await fetch(`${hub.url}${path}`)).status).toBe(200);
      const { agent } = createTunnelRoute({
        addresses: parseServers(hub.natsUrl ?? ""),
        project_id: "p1",
        token: await signToken({ project_id: "p1" }),
      });
      const answer = await new Promise<IncomingMessage>((resolve, reject) => {
        get({ agent: agent as Agent, path, host: "conat-hub" }, resolve).on("error", reject);
      });
      let text = "";
      for await (const chunk of answer.setEncoding("utf8")) text += chunk;
      expect([answer.statusCode, text]).toEqual([404, "nothing here\n"]);
    },
  );

  it("has a hub that ignores what is no message of a tunnel", async () => {
    const nats = await dialAsP1();
    const answers: Uint8Array[] = [];
    nats.subscribe(P1.down, { callback: (_error, message) => void answers.push(message.data) });
    nats.publish(P1.open);
    await eventually(() => answers.some(isWelcome));
    const hubId = new TextDecoder().decode(answers.find(isWelcome)?.subarray(9));
    for (const bytes of [
      new Uint8Array(),
      new Uint8Array(9).fill(255),
      encodeTunnelMessage("data", 7, new Uint8Array(3)),
      encodeTunnelMessage("taken", 1e15),
      encodeTunnelMessage("data", 1, new TextEncoder().encode("GET /socket.io HTTP/9\r\n\r\n")),
    ]) {
      nats.publish(P1.up(hubId), bytes);
      nats.publish(P1.open);
    }
    await nats.flush();
    expect((await fetch(`${hub.url}/readyz`)).status).toBe(200);
    expect(await stored()).toEqual(
      new Map([
        ["a", "of p2"],
        ["b", "of p2, too"],
      ]),
    );
  });
});

describe("the account of projects' backends, with every right in it", () => {
  it("has no JetStream and nothing of the data's account", async () => {
    const gate = await dialAsGate();
    for (const [, subject, payload] of READS) {
      expect(await ask(gate, subject, payload)).toMatch(/not enabled|Error/);
    }
    const all = headers();
    all.set("Nats-Rollup", "all");
    gate.publish(KEY, "from p1", { headers: all });
    gate.publish("conat-live.conat-p0.project.p2.secrets", "from p1");
    for (const [, subject, values] of PUBLISHES.slice(0, 7)) {
      const some = headers();
      for (const [name, value] of Object.entries(values)) some.set(name, value);
      gate.publish(subject, "from p1", { headers: some });
    }
    await gate.flush();
    expect(await stored()).toEqual(
      new Map([
        ["a", "of p2"],
        ["b", "of p2, too"],
      ]),
    );
  });

  it("hears nothing of what is written and said in the data's account", async () => {
    const gate = await dialAsGate();
    const heard: string[] = [];
    for (const subject of ["$KV.>", "conat-live.>", "conat-ps.>", "$JS.>"]) {
      gate.subscribe(subject, { callback: (_error, message) => void heard.push(message.subject) });
    }
    await gate.flush();
    const token = await signToken({ project_id: "p2" });
    const client = connectClient(hub.url, { token });
    const store = await dkv<unknown>({ client, project_id: "p2", name: "more" });
    store.set("a", 1);
    await store.save();
    await client.close();
    await gate.flush();
    expect(heard).toEqual([]);
  });
});
