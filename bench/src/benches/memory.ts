import { setTimeout as delay } from "node:timers/promises";
import { atMost, type Bench, type Side } from "../framework/bench.ts";
import { value } from "../framework/metrics.ts";
import type { OwnServer, Server, Stage } from "../framework/stage.ts";

const KEYS = 100_000;
const STORE = "filled";
const FILL = { kind: "writes", store: STORE, operations: KEYS, burst: 5_000, keys: KEYS } as const;
const MEGABYTE = 1_000_000;
const EXPOSE_GC = ["--expose-gc"];

/** A hub keeps an encoded snapshot for those who come at about the same time; by then it has let it go. */
const SNAPSHOT_KEPT_MS = 1_500;

export const clientMemory: Bench = {
  name: "client-memory",
  rows: [
    {
      name: "client-memory",
      title: "memory of a client with 100,000 keys of 100 bytes open",
      unit: "MB",
      metric: value("opened"),
      targets: [atMost(40, "unit")],
    },
    {
      name: "client-memory-read",
      title: "the same when every value has been read once",
      unit: "MB",
      metric: value("read"),
      targets: [],
    },
    {
      name: "client-memory-closed",
      title: "what is left of it when the store is closed",
      unit: "MB",
      metric: value("closed"),
      targets: [],
    },
  ],
  async open(stage) {
    const nats = await stage.nats();
    const hub = await stage.hub({ natsUrl: nats.url });
    await fill(stage, nats);
    const load = { kind: "memory", store: STORE, keys: KEYS } as const;
    const flags = EXPOSE_GC;
    return [
      await stage.side({
        name: "conat",
        role: "conat",
        system: { kind: "conat", address: hub.url },
        load,
        servers: { hub, nats },
        flags,
      }),
      await stage.side({
        name: "conat direct",
        role: "conat",
        system: { kind: "conat", address: nats.url },
        load,
        servers: { nats },
        flags,
      }),
      await stage.side({
        name: "Map of bytes",
        role: "floor",
        system: { kind: "raw-nats-load", address: nats.url },
        load,
        servers: { nats },
        flags,
      }),
    ];
  },
};

export const hubMemory: Bench = {
  name: "hub-memory",
  rows: [
    {
      name: "hub-memory",
      title: "memory of a hub with 100,000 keys of 100 bytes in its replica",
      unit: "MB",
      metric: value("replica"),
      targets: [atMost(40, "unit")],
    },
  ],
  async open(stage) {
    const nats = await stage.nats();
    await fill(stage, nats);
    return [
      { name: "conat", role: "conat", processes: { nats: nats.pid }, measure },
    ] satisfies Side[];

    async function measure() {
      const hub = await stage.hub({ natsUrl: nats.url }, EXPOSE_GC);
      const open = { kind: "open-store", store: STORE, operations: 1, gapMs: 0 } as const;
      const client = { kind: "conat", address: hub.url } as const;
      const started = performance.now();
      // The first connection makes the hub load what every connection needs.
      await stage.run(client, { ...open, store: "empty", keys: 0, keepWarm: false });
      const before = await used(hub);
      // The store lingers in the hub when its client has gone, so that only the replica is left.
      await stage.run(client, { ...open, keys: KEYS, keepWarm: true });
      const replica = (await used(hub)) - before;
      const seconds = (performance.now() - started) / 1_000;
      return { operations: 1, seconds, values: { replica } };
    }
  },
};

async function fill(stage: Stage, nats: Server): Promise<void> {
  await stage.run({ kind: "conat", address: nats.url }, FILL);
  await stage.run({ kind: "raw-nats", address: nats.url }, FILL);
}

async function used(hub: OwnServer): Promise<number> {
  await delay(SNAPSHOT_KEPT_MS);
  return (await hub.memory()).objects / MEGABYTE;
}
