import { type Client, connect, dkv } from "@conat/conat";
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

it("presence with lifetimes stays exact while 500 entries are renewed, and ends with them", async () => {
  const stores = await Promise.all(
    crowd(10).map((client) =>
      dkv<number>({ client, project_id, name: "presence", ephemeral: true }),
    ),
  );
  const keys = Array.from({ length: 500 }, (_, at) => `user ${at}`);
  const renew = async (round: number, ttlMs: number): Promise<void> => {
    for (const [at, key] of keys.entries()) {
      stores[at % stores.length]?.set(key, round, { ttlMs });
    }
    await Promise.all(stores.map((store) => store.save()));
  };
  for (let round = 0; round < 5; round += 1) {
    await renew(round, 60_000);
    for (const store of stores) {
      await eventually(() => expect([store.size, store.get("user 499")]).toEqual([500, round]));
    }
  }
  await renew(5, 1_000);
  for (const store of stores) await eventually(() => expect(store.size).toBe(0));
});
