import { type Client, connect, type DKV, dkv } from "@conat/conat";
import { eventually, useTestNats } from "@conat/conat/testing";
import { type Hub, type HubOptions, startHub } from "@conat/hub";
import { afterEach, describe, expect, it } from "vitest";
import { startTcpProxy, type TcpProxy } from "./tcp-proxy.ts";

/** Far longer than anything takes on this machine: what is cut within it has not arrived. In milliseconds. */
const HELD_MS = 2_000;

describe("a client whose line is cut", { timeout: 60_000 }, () => {
  const nats = useTestNats();
  const forgetful = useTestNats();
  const toClose: { close(): Promise<unknown> }[] = [];
  let projects = 0;
  afterEach(async () => {
    for (const one of toClose.splice(0).reverse()) await one.close();
  });

  function keep<One extends { close(): Promise<unknown> }>(one: One): One {
    toClose.push(one);
    return one;
  }

  async function start(options: HubOptions = {}): Promise<Hub> {
    return keep(await startHub({ port: 0, dev: true, natsUrl: nats().url, ...options }));
  }

  interface Scene {
    readonly client: Client;
    readonly store: DKV<number | string>;
    /** The same store, straight on NATS. */
    readonly backend: DKV<number | string>;
    readonly line: TcpProxy;
    /** The hub that the client meets next. */
    readonly other: Hub;
    /** `key=value` of every change that the client's store tells, from when it is open. */
    readonly told: string[];
    /** Cuts the line, and lets it lead to the other hub when it is mended. */
    cut(): void;
  }

  async function scene(options: HubOptions = {}): Promise<Scene> {
    projects += 1;
    const project_id = `resume-${projects}`;
    const [one, other] = [await start(options), await start(options)];
    let target = one.port;
    const line = keep(await startTcpProxy(() => target));
    const enter = async (address: string): Promise<[Client, DKV<number | string>]> => {
      const identity = { account_id: "a", projects: [project_id] };
      const client = keep(connect({ address, identity }));
      return [client, await dkv({ client, project_id, name: "s" })];
    };
    const [client, store] = await enter(`http://127.0.0.1:${line.port}`);
    const [, backend] = await enter(options.natsUrl ?? nats().url);
    const told: string[] = [];
    store.on("change", ({ key, value }) => told.push(`${key}=${value}`));
    const cut = (): void => {
      target = other.port;
      line.cut();
    };
    return { client, store, backend, line, other, told, cut };
  }

  async function metric(hub: Hub, name: string): Promise<number> {
    const text = await (await fetch(`${hub.url}/metrics`)).text();
    const found = text.split("\n").find((one) => one.startsWith(`${name} `));
    return Number(found?.split(" ").at(-1));
  }

  it("is sent only what it missed by a hub that it never met, removals and expiries included", async () => {
    const { store, backend, line, other, told, cut } = await scene();
    for (let key = 0; key < 3_000; key += 1) backend.set(`k${key}`, "x".repeat(200));
    backend.set("expires", "soon", { ttlMs: 1_000 });
    await backend.save();
    await eventually(() => store.size === 3_001);
    cut();
    await eventually(() => store.status === "stale");
    told.length = 0;
    backend.set("k1", "changed");
    backend.set("new", "added");
    backend.delete("k2");
    await backend.save();
    await eventually(() => !backend.has("expires"));
    line.mend();
    await eventually(() => store.status === "live");
    expect(told.toSorted()).toEqual([
      "expires=undefined",
      "k1=changed",
      "k2=undefined",
      "new=added",
    ]);
    expect(store.get()).toEqual(backend.get());
    expect(await metric(other, "conat_bytes_out_total")).toBeLessThan(2_000);
  });

  it("is not sent again what it had only just heard, where other stores are written to at the same time", async () => {
    const { client, store, backend, line, other, told, cut } = await scene();
    const project_id = `resume-${projects}`;
    const elsewhere = await dkv({ client, project_id, name: "elsewhere" });
    for (let key = 0; key < 300; key += 1) {
      backend.set(`k${key}`, "x".repeat(200));
      elsewhere.set(`k${key}`, "y");
      if (key % 10 === 0) await Promise.all([backend.save(), elsewhere.save()]);
    }
    await eventually(() => store.size === 300);
    cut();
    await eventually(() => store.status === "stale");
    told.length = 0;
    backend.set("k1", "changed");
    await backend.save();
    line.mend();
    await eventually(() => store.status === "live");
    expect(told).toEqual(["k1=changed"]);
    expect(await metric(other, "conat_bytes_out_total")).toBeLessThan(2_000);
  });

  it("is sent everything where the history is gone, and is told of each key that vanished", async () => {
    const { client, store, backend, line, told, cut } = await scene({
      natsUrl: forgetful().url,
      markerTtlMs: 1_000,
    });
    const ref = {
      ...{ name: "s", ephemeral: false, service: "" },
      scope: { kind: "project" as const, id: `resume-${projects}` },
    };
    const resets: string[] = [];
    client.session.openStore(ref, (event) => event.type === "reset" && resets.push(event.mode));
    for (const key of ["kept", "changed", "gone"]) backend.set(key, 1);
    await eventually(() => store.size === 3 && resets.length === 1);
    cut();
    await eventually(() => store.status === "stale");
    told.length = 0;
    backend.delete("gone");
    backend.set("changed", 2);
    await backend.save();
    const observer = connect(forgetful().url);
    keep(observer);
    await observer.ready();
    // Until the server has forgotten that there was anything.
    await eventually(async () => (await observer.session.read(ref, "gone")) === undefined);
    line.mend();
    // Two feeds of one client, each of which the hub finds out about by itself.
    await eventually(() => store.status === "live" && resets.length === 2);
    expect(resets).toEqual(["full", "full"]);
    expect(told.toSorted()).toEqual(["changed=2", "gone=undefined"]);
    expect(store.get()).toEqual({ kept: 1, changed: 2 });
  });

  it("hears each version once, in order, and the last one always, however often it is cut", async () => {
    const { store, backend, line, cut } = await scene();
    const seen = new Map<string, number[]>();
    store.on("change", ({ key, seq }) => seen.set(key, [...(seen.get(key) ?? []), seq]));
    for (let round = 0; round < 5; round += 1) {
      for (let count = 0; count < 100; count += 1)
        backend.set(`k${count % 7}`, round * 100 + count);
      backend.delete(`k${round}`);
      if (round % 2 === 0) cut();
      await backend.save();
      line.mend();
      await eventually(() => store.status === "live");
    }
    await eventually(() => expect(store.get()).toEqual(backend.get()));
    for (const [key, seqs] of seen) {
      expect(seqs).toEqual([...new Set(seqs)].toSorted((one, next) => one - next));
      expect(seqs.at(-1)).toBe(backend.seq(key));
    }
  });

  const WRITES: [string, (store: DKV<number | string>) => Promise<unknown>][] = [
    ["a plain write", (store) => store.set("n", 1).settled()],
    ["a compare-and-set", (store) => store.set("n", 1, { ifSeq: store.seq("n") }).settled()],
    ["an update", (store) => store.update("n", (value) => Number(value) + 1)],
  ];

  describe.each(WRITES)("%s", (what, write) => {
    const confirmed = what === "an update" ? 1 : expect.objectContaining({ status: "confirmed" });

    interface Prepared extends Scene {
      readonly failures: unknown[];
      /** How many versions of "n" have been stored since. */
      versions(): Promise<number>;
    }

    async function prepared(): Promise<Prepared> {
      const prepared = await scene();
      prepared.backend.set("n", 0);
      await eventually(() => prepared.store.get("n") === 0);
      await eventually(() => prepared.backend.time("n") !== undefined);
      prepared.told.length = 0;
      const failures: unknown[] = [];
      prepared.store.on("reject", ({ error }) => failures.push(error.kind));
      const stored: string[] = [];
      prepared.backend.on("change", ({ key }) => stored.push(key));
      const versions = async (): Promise<number> => {
        prepared.backend.set("end", 1);
        // What a backend is told is in order: everything before this has come.
        await eventually(() => stored.includes("end"));
        return stored.filter((key) => key === "n").length;
      };
      return { ...prepared, failures, versions };
    }

    it("that was stored, and whose answer was lost, is there once, and confirmed", async () => {
      const { store, backend, line, cut, told, versions, failures } = await prepared();
      line.delay(HELD_MS / 2);
      const result = write(store);
      await eventually(() => backend.get("n") === 1);
      expect(store.isStable("n")).toBe(false);
      cut();
      line.mend();
      expect(await result).toEqual(confirmed);
      await store.save();
      expect([told, failures]).toEqual([["n=1"], []]);
      expect(await versions()).toBe(1);
      expect(store.get("n")).toBe(1);
    });

    it("that was lost on its way is sent again, and stored once", async () => {
      const { store, backend, line, cut, told, versions, failures } = await prepared();
      line.delay(HELD_MS);
      const result = write(store);
      await eventually(() => store.writes()[0]?.state === "in-flight");
      cut();
      line.mend();
      expect(await result).toEqual(confirmed);
      await eventually(() => backend.get("n") === 1);
      await eventually(() => expect(told).toEqual(["n=1"]));
      expect(failures).toEqual([]);
      expect(await versions()).toBe(1);
    });

    it("that was stored and written over before it was answered ends as unknown, and is not repeated", async () => {
      const { store, backend, line, cut, told, versions, failures } = await prepared();
      line.delay(HELD_MS / 2);
      const result = write(store).catch((error: { kind: string }) => ({ status: error.kind }));
      await eventually(() => backend.get("n") === 1);
      cut();
      await eventually(() => store.status === "stale");
      backend.set("n", 5);
      await backend.save();
      line.mend();
      expect(await result).toMatchObject({ status: "outcome-unknown" });
      await eventually(() => store.get("n") === 5);
      expect(told).toEqual(["n=5"]);
      expect(await versions()).toBe(2);
      expect(failures).toEqual(what === "an update" ? [] : ["outcome-unknown"]);
    });
  });

  it("ends every wait by its own deadline and by name, and stores the writes all the same", async () => {
    const { client, store, backend, line, cut } = await scene();
    const project_id = `resume-${projects}`;
    const hurried = await dkv({ client, project_id, name: "hurried", timeoutMs: 200 });
    cut();
    await eventually(() => store.status === "stale" && hurried.status === "stale");
    store.set("n", 1);
    const startedAt = performance.now();
    const waits = [
      store.save({ timeoutMs: 50 }),
      hurried.update("n", () => 1),
      dkv({ client, project_id, name: "another", timeoutMs: 50 }),
      client.ready(50),
    ];
    for (const wait of await Promise.allSettled(waits)) {
      expect(wait).toMatchObject({ status: "rejected", reason: { kind: "timeout" } });
    }
    expect(performance.now() - startedAt).toBeLessThan(HELD_MS);
    expect(store.hasUnsavedChanges()).toBe(true);
    line.mend();
    await store.save();
    await eventually(() => backend.get("n") === 1);
  });
});
