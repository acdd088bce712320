import { type Client, connect, destroyStore, dkv } from "@conat/conat";
import { eventually, useTestNats } from "@conat/conat/testing";
import { type Hub, startHub } from "@conat/hub";
import { afterEach, describe, expect, it } from "vitest";

describe("a client whose hub goes away", () => {
  const nats = useTestNats();
  const clients: Client[] = [];
  const hubs: Hub[] = [];
  afterEach(async () => {
    await Promise.all(clients.splice(0).map((client) => client.close()));
    await Promise.all(hubs.splice(0).map((hub) => hub.close()));
  });

  async function start(port = 0): Promise<Hub> {
    const hub = await startHub({ port, dev: true, natsUrl: nats().url });
    hubs.push(hub);
    return hub;
  }

  function open(address: string, project_id: string): Client {
    const client = connect({ address, identity: { account_id: "alice", projects: [project_id] } });
    clients.push(client);
    return client;
  }

  it("shows what it knew, and then only what it missed", async () => {
    const project_id = "away";
    const hub = await start();
    const client = open(hub.url, project_id);
    const store = await dkv<string>({ client, project_id, name: "build" });
    const backend = await dkv<string>({
      client: open(nats().url, project_id),
      project_id,
      name: "build",
    });
    for (const key of ["kept", "changed", "removed"]) backend.set(key, "1");
    await eventually(() => store.size === 3);
    await hub.close();
    await eventually(() => store.status === "stale");
    expect(store.get("kept")).toBe("1");
    backend.set("changed", "2");
    backend.delete("removed");
    backend.set("added", "2");
    await backend.save();
    const changes: string[] = [];
    store.on("change", ({ key, value }) => changes.push(`${key}=${value}`));
    await start(hub.port);
    await eventually(() => store.status === "live");
    expect(changes.toSorted()).toEqual(["added=2", "changed=2", "removed=undefined"]);
    expect(store.get()).toEqual({ kept: "1", changed: "2", added: "2" });
  });

  it("has no copy left of a store that was destroyed meanwhile, whichever hub it meets next", async () => {
    const project_id = "destroyed";
    const hub = await start();
    const store = await dkv<number>({
      client: open(hub.url, project_id),
      project_id,
      name: "build",
    });
    const client = open(nats().url, project_id);
    const backend = await dkv<number>({ client, project_id, name: "build" });
    for (const key of ["a", "b"]) backend.set(key, 1);
    await eventually(() => store.size === 2);
    await hub.close();
    await eventually(() => store.status === "stale");
    await destroyStore({ client, project_id, name: "build" });
    backend.set("c", 2);
    await backend.save();
    const changes: string[] = [];
    store.on("change", ({ key, value, kind }) => changes.push(`${key}=${value} ${kind}`));
    await start(hub.port);
    await eventually(() => store.status === "live");
    expect(changes.toSorted()).toEqual(["a=undefined floor", "b=undefined floor", "c=2 put"]);
    expect(store.get()).toEqual({ c: 2 });
  });

  it("keeps what it writes meanwhile, and stores it when the hub is back", async () => {
    const project_id = "writing";
    const hub = await start();
    const client = open(hub.url, project_id);
    const store = await dkv<number>({ client, project_id, name: "build" });
    await hub.close();
    await eventually(() => store.status === "stale");
    for (let count = 0; count < 100; count += 1) store.set(`k${count % 10}`, count);
    expect(store.get("k9")).toBe(99);
    await start(hub.port);
    await store.save();
    const other = await dkv<number>({
      client: open(nats().url, project_id),
      project_id,
      name: "build",
    });
    expect(other.get("k0")).toBe(90);
    expect(other.size).toBe(10);
  });

  it("is told to move before a hub shuts down, and nothing it writes meanwhile fails", async () => {
    const project_id = "moving";
    const hub = await start();
    const client = open(hub.url, project_id);
    const store = await dkv<number>({ client, project_id, name: "build" });
    const states: string[] = [];
    client.onStatus(({ state }) => states.push(state));
    const failures: unknown[] = [];
    store.on("reject", (failure) => failures.push(failure));
    store.on("error", (error) => failures.push(error));
    let written = 0;
    const writing = setInterval(() => {
      written += 1;
      store.set("n", written);
    }, 1);
    await hub.close({ drainMs: 200 });
    await start(hub.port);
    await eventually(() => client.status.state === "ready");
    clearInterval(writing);
    await store.save();
    expect(states[0]).toBe("draining");
    expect(failures).toEqual([]);
    const other = await dkv<number>({
      client: open(nats().url, project_id),
      project_id,
      name: "build",
    });
    expect(other.get("n")).toBe(written);
  });
});
