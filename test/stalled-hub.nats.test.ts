import { type Client, connect, type DKV, dkv } from "@conat/conat";
import { eventually, useTestNats } from "@conat/conat/testing";
import { afterEach, describe, expect, it } from "vitest";
import { SpawnedHub } from "../packages/hub/src/test-kit/spawn-hub.ts";
import { startTcpProxy } from "./tcp-proxy.ts";

const LEASE_MS = 2_000;
const DEDUPE_MS = 1_000;

describe("a hub that stands still", { timeout: 60_000 }, () => {
  const nats = useTestNats();
  const project_id = "stalled";
  const toClose: { close(): Promise<unknown> }[] = [];
  afterEach(async () => {
    for (const one of toClose.splice(0).reverse()) await one.close();
  });

  async function startHub(): Promise<{ hub: SpawnedHub; url: string; port: number }> {
    const hub = new SpawnedHub([
      ...["--dev", "--port", "0", "--nats-url", nats().url],
      ...["--ping-interval", "300ms", "--ping-timeout", "300ms"],
      ...["--lease", `${LEASE_MS}ms`, "--dedupe-window", `${DEDUPE_MS}ms`],
    ]);
    toClose.push({ close: () => hub.kill("SIGKILL") });
    const url = await hub.url();
    return { hub, url, port: Number(new URL(url).port) };
  }

  async function enter(address: string): Promise<[Client, DKV<string>]> {
    const client = connect({ address, identity: { account_id: "a", projects: [project_id] } });
    toClose.push(client);
    return [client, await dkv<string>({ client, project_id, name: "s" })];
  }

  it("is left by its clients, and does nothing late when it wakes up", async () => {
    const [one, two] = [await startHub(), await startHub()];
    let target = one.port;
    const line = await startTcpProxy(() => target);
    toClose.push(line);
    const [client, store] = await enter(`http://127.0.0.1:${line.port}`);
    const [, backend] = await enter(nats().url);
    store.set("n", "first");
    await store.save();
    one.hub.child.kill("SIGSTOP");
    const stoppedAt = performance.now();
    target = two.port;
    const late = store.set("n", "late");
    await eventually(() => client.status.state !== "ready");
    await client.ready();
    expect(await late.settled()).toMatchObject({ status: "confirmed" });
    store.set("n", "last");
    await store.save();
    // Until the server has forgotten the late write, and the hub's lease is over.
    await eventually(() => performance.now() > stoppedAt + LEASE_MS + DEDUPE_MS + 500);
    one.hub.child.kill("SIGCONT");
    await eventually(async () => {
      const text = await (await fetch(`${one.url}/metrics`)).text();
      expect(text).toMatch(/^conat_connections 0$/m);
    });
    const { seq } = await client.session
      .read(
        {
          ...{ name: "s", ephemeral: false, service: "" },
          scope: { kind: "project", id: project_id },
        },
        "n",
      )
      .then((entry) => entry ?? { seq: 0 });
    expect([backend.get("n"), store.get("n")]).toEqual(["last", "last"]);
    expect(store.seq("n")).toBe(seq);
  });
});
