import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Client, connect, dkv, PubSub } from "@conat/conat";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { eventually } from "../../../conat/src/testing/eventually.ts";
import { type Hub, startHub } from "../hub.ts";
import { signToken, TEST_SECRET } from "../test-kit/tokens.ts";

/** A hub with a NATS server of its own, and clients that end with the test. */
let hub: Hub;
let natsUrl = "";
let folder = "";
const clients: Client[] = [];

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "conat-backends-"));
  hub = await startHub({ port: 0, dataDir: folder, jwt: { secret: TEST_SECRET } });
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
