import { type Client, connect, type DkvChange, dkv } from "@conat/conat";
import { eventually, useTestNats } from "@conat/conat/testing";
import { type Hub, startHub } from "@conat/hub";
import { afterAll, beforeAll, expect, it } from "vitest";

const project_id = "crowd";
const nats = useTestNats();
const hubs: Hub[] = [];
const clients: Client[] = [];

beforeAll(async () => {
  hubs.push(await startHub({ port: 0, dev: true, natsUrl: nats().url }));
  hubs.push(await startHub({ port: 0, dev: true, natsUrl: nats().url }));
});

afterAll(async () => {
  await Promise.all(clients.map((client) => client.close()));
  await Promise.all(hubs.map((hub) => hub.close()));
});

/** Clients on both hubs and two straight on NATS, in turn. */
function crowd(count: number): Client[] {
  const addresses = [...hubs.map((hub) => hub.url), nats().url, nats().url];
  return Array.from({ length: count }, (_, at) => {
    const identity = { account_id: `account-${at}`, projects: [project_id] };
    const client = connect({ address: addresses[at % addresses.length], identity });
    clients.push(client);
    return client;
  });
}

it("50 writers on two hubs and two NATS connections lose no increment of one key", async () => {
  const stores = await Promise.all(
    crowd(50).map((client) => dkv<number>({ client, project_id, name: "counter" })),
  );
  await Promise.all(stores.map((store) => store.update("n", (value) => (value ?? 0) + 1)));
  await Promise.all(stores.map((store) => store.update("n", (value) => (value ?? 0) + 1)));
  for (const store of stores) await eventually(() => expect(store.get("n")).toBe(100));
});

const LIFETIME_MS = 5_000;
const RENEWAL_MS = 2_000;

it("presence of 500 writers, renewed before its lifetime ends, ends exactly once for each of them, and not too early", {
  timeout: 120_000,
}, async () => {
  const clients = crowd(20);
  const options = { project_id, name: "presence", ephemeral: true, ttlMs: LIFETIME_MS };
  const writers = await Promise.all(
    Array.from({ length: 500 }, (_, at) =>
      dkv<number>({ ...options, client: clients[at % clients.length], noCache: true }),
    ),
  );
  const seen = writers.slice(0, 4).map((store) => {
    const changes = new Map<string, DkvChange<number>[]>();
    store.on("change", (change) => {
      changes.set(change.key, [...(changes.get(change.key) ?? []), change]);
    });
    return changes;
  });
  // An entry that nobody renews gives the beat, by the server's own clock.
  const clock = await dkv<number>({
    client: clients[0],
    project_id,
    name: "clock",
    ephemeral: true,
  });
  const beat = (): Promise<unknown> => {
    const expired = new Promise((resolve) => {
      clock.on("change", ({ kind }) => kind === "expiry" && resolve(kind));
    });
    clock.set("beat", 1, { ttlMs: RENEWAL_MS });
    return expired;
  };
  for (let round = 0; round < 4; round += 1) {
    if (round > 0) await beat();
    for (const [at, store] of writers.entries()) store.set(`user ${at}`, round);
    await Promise.all(writers.map((store) => store.save()));
  }
  for (const store of writers) await eventually(() => expect(store.size).toBe(0));
  for (const changes of seen) {
    expect(changes.size).toBe(500);
    for (const versions of changes.values()) {
      expect(versions.at(-1)?.kind).toBe("expiry");
      for (const [at, { kind, time }] of versions.entries()) {
        if (kind === "put") continue;
        const renewed = versions[at - 1];
        expect(renewed?.kind).toBe("put");
        expect(time - (renewed?.time ?? time)).toBeGreaterThanOrEqual(LIFETIME_MS);
      }
    }
  }
});
