import { type Client, connect, type DKV, dkv } from "@conat/conat";
import { eventually, useTestNats } from "@conat/conat/testing";
import { pickFreePort } from "@conat/hub/nats-server";
import { afterEach, describe, expect, it } from "vitest";
import { SpawnedHub } from "../packages/hub/src/test-kit/spawn-hub.ts";

const DRAIN_MS = 500;
/** What the hub's own default allows for all of a stop, in milliseconds. */
const STOP_DEADLINE_MS = 15_000;
const CLIENTS = 4;

interface Worker {
  readonly client: Client;
  readonly store: DKV<number>;
  /** Everything that the application was told and would call an error. */
  readonly errors: unknown[];
  /** `key@seq` of every change. */
  readonly versions: string[];
  counted: number;
  written: number;
}

describe("two hubs that are restarted one after the other, under load", { timeout: 60_000 }, () => {
  const nats = useTestNats();
  const project_id = "rolling";
  const hubs: SpawnedHub[] = [];
  const clients: Client[] = [];
  afterEach(async () => {
    await Promise.all(clients.splice(0).map((client) => client.close()));
    await Promise.all(hubs.splice(0).map((hub) => hub.kill("SIGKILL")));
  });

  async function startHub(port: number): Promise<SpawnedHub> {
    const hub = new SpawnedHub([
      ...["--dev", "--port", String(port), "--nats-url", nats().url],
      ...["--drain", `${DRAIN_MS}ms`],
    ]);
    hubs.push(hub);
    await hub.url();
    return hub;
  }

  async function startWorker(address: readonly string[]): Promise<Worker> {
    const client = connect({ address, identity: { account_id: "a", projects: [project_id] } });
    clients.push(client);
    const store = await dkv<number>({ client, project_id, name: "load" });
    const worker: Worker = { client, store, errors: [], versions: [], counted: 0, written: 0 };
    store.on("reject", (failure) => worker.errors.push(failure.error));
    store.on("error", (error) => worker.errors.push(error));
    store.on("closed", (error) => error && worker.errors.push(error));
    store.on("change", ({ key, seq }) => worker.versions.push(`${key}@${seq}`));
    return worker;
  }

  it("lose nothing, apply nothing twice, and show no client an error", async () => {
    const ports = [await pickFreePort(), await pickFreePort()];
    const running = await Promise.all(ports.map(startHub));
    const address = ports.map((port) => `http://127.0.0.1:${port}`);
    const workers = await Promise.all(Array.from({ length: CLIENTS }, () => startWorker(address)));
    let isOver = false;
    const work = workers.map(async (worker, at) => {
      const counting = (async () => {
        while (!isOver) {
          await worker.store.update("total", (total) => (total ?? 0) + 1);
          worker.counted += 1;
        }
      })();
      while (!isOver) {
        worker.written += 1;
        worker.store.set(`own-${at}-${worker.written % 20}`, worker.written);
        worker.store.set("shared", at);
        await worker.store.save();
      }
      await counting;
    });
    for (const [at, hub] of running.entries()) {
      const before = workers.map(({ counted }) => counted);
      await eventually(
        () => workers.every(({ counted }, one) => counted > (before[one] ?? 0) + 20),
        {
          timeoutMs: 30_000,
        },
      );
      const askedAt = performance.now();
      expect(await hub.kill("SIGTERM")).toBe(0);
      expect(performance.now() - askedAt).toBeLessThan(STOP_DEADLINE_MS);
      await startHub(ports[at] ?? 0);
    }
    isOver = true;
    await Promise.all(work);
    expect(workers.flatMap(({ errors }) => errors)).toEqual([]);
    const counted = workers.reduce((sum, worker) => sum + worker.counted, 0);
    const [first] = workers;
    for (const [at, worker] of workers.entries()) {
      await eventually(() => {
        expect(worker.store.get("total")).toBe(counted);
        expect(worker.store.get()).toEqual(first?.store.get());
      });
      const last = Math.max(
        ...[...Array(20).keys()].map((key) => first?.store.get(`own-${at}-${key}`) ?? 0),
      );
      expect(last).toBe(worker.written);
      expect(new Set(worker.versions).size).toBe(worker.versions.length);
    }
  });
});
