import { type Client, ConatError, connect, type DKV, dkv } from "@conat/conat";
import { eventually, useTestNats } from "@conat/conat/testing";
import { afterEach, describe, expect, it } from "vitest";
import { isRunning, SpawnedHub } from "../packages/hub/src/test-kit/spawn-hub.ts";
import { startTcpProxy, type TcpProxy } from "./tcp-proxy.ts";

const OUTBOX_WRITES = 10_000;
const MiB = 1_048_576;
/** For a machine that has other things to do, too; in milliseconds. */
const PATIENCE_MS = 120_000;

describe("more than somebody can take", { timeout: PATIENCE_MS }, () => {
  const nats = useTestNats();
  const toClose: { close(): Promise<unknown> }[] = [];
  let projects = 0;
  afterEach(async () => {
    for (const one of toClose.splice(0).reverse()) await one.close();
  });

  function keep<One extends { close(): Promise<unknown> }>(one: One): One {
    toClose.push(one);
    return one;
  }

  async function startHub(...args: string[]): Promise<SpawnedHub & { base: string }> {
    const hub = new SpawnedHub(["--dev", "--port", "0", "--nats-url", nats().url, ...args]);
    keep({ close: () => hub.kill("SIGKILL") });
    return Object.assign(hub, { base: await hub.url() });
  }

  async function enter(address: string): Promise<{ client: Client; store: DKV<string> }> {
    const project_id = `pressure-${projects}`;
    const client = keep(
      connect({ address, identity: { account_id: "a", projects: [project_id] } }),
    );
    return { client, store: await dkv<string>({ client, project_id, name: "s" }) };
  }

  async function line(hub: { readonly base: string }): Promise<TcpProxy> {
    return keep(await startTcpProxy(Number(new URL(hub.base).port)));
  }

  async function metric(hub: { readonly base: string }, name: string): Promise<number> {
    const text = await (await fetch(`${hub.base}/metrics`)).text();
    const found = text.split("\n").find((one) => one.startsWith(`${name} `));
    if (found === undefined) throw new Error(`no ${name}`);
    return Number(found.split(" ").at(-1));
  }

  /** Sets a key as soon as there is room for it; answers how often there was none. */
  async function setAll(store: DKV<string>, count: number, value: string): Promise<number> {
    let waits = 0;
    for (let at = 0; at < count; at += 1) {
      try {
        store.set(`k${at}`, value);
      } catch (error) {
        if (!(error instanceof ConatError && error.kind === "outbox-full")) throw error;
        waits += 1;
        at -= 1;
        await store.save({ timeoutMs: PATIENCE_MS });
      }
      if (store.pendingWrites > OUTBOX_WRITES) throw new Error("the outbox has no bound");
    }
    await store.save({ timeoutMs: PATIENCE_MS });
    return waits;
  }

  it("a burst of 100,000 writes goes through a bounded outbox and a bounded hub, and reaches everybody", async () => {
    projects += 1;
    const hub = await startHub();
    const writer = await enter(hub.base);
    const reader = await enter(hub.base);
    const before = await metric(hub, "conat_resident_memory_bytes");
    let mostPending = 0;
    const watch = setInterval(() => {
      metric(hub, "conat_pending_writes").then(
        (pending) => {
          mostPending = Math.max(mostPending, pending);
        },
        () => {},
      );
    }, 50);
    const waits = await setAll(writer.store, 100_000, "v");
    clearInterval(watch);
    expect(waits).toBeGreaterThanOrEqual(9);
    expect(mostPending).toBeLessThanOrEqual(OUTBOX_WRITES);
    await eventually(() => reader.store.size === 100_000, { timeoutMs: PATIENCE_MS });
    expect(reader.store.get()).toEqual(writer.store.get());
    // The hub holds the store itself, about 300 bytes a key.
    const grown = (await metric(hub, "conat_resident_memory_bytes")) - before;
    expect(grown).toBeLessThan(200 * MiB);
  });

  it("a client that does not read costs the hub a bounded backlog, whatever is written, and catches up", async () => {
    projects += 1;
    const hub = await startHub("--max-outbox-bytes", "1MiB");
    const writer = await enter(hub.base);
    const way = await line(hub);
    const slow = await enter(`http://127.0.0.1:${way.port}`);
    await setAll(writer.store, 100, "x".repeat(10_000));
    await eventually(() => slow.store.size === 100);
    way.stall();
    const before = await metric(hub, "conat_bytes_out_total");
    const value = "y".repeat(10_000);
    const rounds = 60;
    for (let round = 0; round < rounds; round += 1) {
      await setAll(writer.store, 100, `${round}${value}`);
    }
    const written = rounds * 100 * value.length;
    await eventually(async () => {
      expect(await metric(hub, "conat_bytes_out_total")).toBeGreaterThan(before + written);
    });
    // The writer is told of everything, and the other of no more than its backlog and the buffers on the way.
    const toSlow = (await metric(hub, "conat_bytes_out_total")) - before - written;
    expect(toSlow).toBeLessThan(written / 3);
    expect(slow.store.get("k0")).not.toBe(writer.store.get("k0"));
    way.mend();
    await eventually(() => expect(slow.store.get()).toEqual(writer.store.get()), {
      timeoutMs: PATIENCE_MS,
    });
  });

  it("a hub that stands still is left by its clients, whose outbox has a bound, and nothing is lost", async () => {
    projects += 1;
    const [still, other] = [
      await startHub("--ping-interval", "500ms", "--ping-timeout", "500ms"),
      await startHub(),
    ];
    let port = Number(new URL(still.base).port);
    const way = keep(await startTcpProxy(() => port));
    const { client, store } = await enter(`http://127.0.0.1:${way.port}`);
    const reader = await enter(other.base);
    store.set("k0", "before");
    await store.save({ timeoutMs: PATIENCE_MS });
    still.child.kill("SIGSTOP");
    port = Number(new URL(other.base).port);
    expect(() => {
      for (let at = 0; at <= OUTBOX_WRITES; at += 1) store.set(`k${at}`, "during");
    }).toThrow(expect.objectContaining({ kind: "outbox-full" }));
    await eventually(() => client.status.state !== "ready");
    await store.save({ timeoutMs: PATIENCE_MS });
    still.child.kill("SIGCONT");
    await eventually(() => reader.store.size === OUTBOX_WRITES, { timeoutMs: PATIENCE_MS });
    await eventually(async () => (await metric(still, "conat_connections")) === 0);
    expect(new Set(Object.values(reader.store.get()))).toEqual(new Set(["during"]));
    expect(isRunning(still.child.pid ?? 0)).toBe(true);
  });
});
