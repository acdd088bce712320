import { afterEach, describe, expect, it, vi } from "vitest";
import { type ScriptedHub, startScriptedHub } from "../session/test-kit/scripted-hub.ts";
import type { Client } from "./client.ts";
import { connect } from "./connect.ts";
import { defaultClient, setDefaultClient } from "./default-client.ts";
import { openDirect as openDirectInBrowser } from "./direct-browser.ts";

const hubs: ScriptedHub[] = [];
const clients: Client[] = [];

afterEach(async () => {
  setDefaultClient(undefined);
  vi.unstubAllEnvs();
  for (const client of clients.splice(0)) await client.close();
  for (const hub of hubs.splice(0)) await hub.stop();
});

async function startHub(): Promise<ScriptedHub> {
  const hub = await startScriptedHub();
  hubs.push(hub);
  return hub;
}

function keep(client: Client): Client {
  clients.push(client);
  return client;
}

describe("connect", () => {
  it("returns a client at once, which connects by itself", async () => {
    const hub = await startHub();
    const client = keep(connect({ address: hub.address, identity: { account_id: "a1" } }));
    expect(client.address).toBe(hub.address);
    expect(client.status.state).toBe("connecting");
    const states: string[] = [];
    const stop = client.onStatus(({ state }) => states.push(state));
    await client.ready();
    stop();
    await client.close();
    expect(states).toEqual(["handshaking", "ready"]);
    expect(client.status.state).toBe("closed");
    expect((await hub.connection()).hello.identity).toEqual({ account_id: "a1" });
  });

  it("takes just an address, too, or the one of the environment", async () => {
    const hub = await startHub();
    await keep(connect(hub.address)).ready();
    vi.stubEnv("CONAT_URL", hub.address);
    await keep(connect()).ready();
  });

  it("rejects a wrong address at once", () => {
    expect(() => connect("localhost:8000")).toThrow("write http://127.0.0.1:4400 for a hub");
  });

  it("is closed by the end of its block", async () => {
    const hub = await startHub();
    let used: Client;
    {
      await using client = connect(hub.address);
      used = client;
    }
    expect(used.status.state).toBe("closed");
  });

  it("in a browser sends who asks for NATS itself to a hub", () => {
    expect(() => openDirectInBrowser(["nats://localhost"], {})).toThrow("address of a hub");
  });
});

describe("the default client", () => {
  it("is made once, and again after it was closed", async () => {
    const hub = await startHub();
    vi.stubEnv("CONAT_URL", hub.address);
    const first = keep(defaultClient());
    expect(defaultClient()).toBe(first);
    await first.close();
    const second = keep(defaultClient());
    expect(second).not.toBe(first);
    await second.ready();
  });

  it("is the one that was set", async () => {
    const hub = await startHub();
    const mine = keep(connect(hub.address));
    setDefaultClient(mine);
    expect(defaultClient()).toBe(mine);
  });

  it("without any address is a named error", () => {
    vi.stubEnv("CONAT_URL", "");
    expect(() => defaultClient()).toThrow("set CONAT_URL");
  });
});
