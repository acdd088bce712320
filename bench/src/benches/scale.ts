import { atLeast, atMost, type Bench, type Row, type Side } from "../framework/bench.ts";
import { perSecond, value } from "../framework/metrics.ts";
import type { OwnServer, Stage } from "../framework/stage.ts";
import type { IdleOptions } from "../load/idle.ts";
import type { ManyStoresOptions } from "../load/many-stores.ts";
import type { Sample } from "../load/sample.ts";
import { IDLE_STORES, type WritesOptions } from "../load/writes.ts";
import type { SystemOptions } from "../systems/open-system.ts";
import { onRawSocketio, openSides, throughHub } from "./usual-sides.ts";

const IDLE: IdleOptions = { kind: "idle", connections: 5_000, stores: 3, together: 10 };
const KILOBYTE = 1_000;
const EXPOSE_GC = ["--expose-gc"];

function idleRow(name: string, title: string, metric: Row["metric"]): Row {
  return { name, title, unit: "kB", metric, targets: [atMost(1.5)] };
}

export const idle: Bench = {
  name: "idle",
  rows: [
    idleRow(
      "idle-memory",
      "memory of a hub for each of 5,000 idle clients with 3 stores, ten clients to a project",
      value("resident"),
    ),
    idleRow("idle-objects", "the part of it that JavaScript objects take", value("objects")),
  ],
  maxRounds: 2,
  async open(stage) {
    const nats = await stage.nats();
    const startHub = (): Promise<OwnServer> => stage.hub({ natsUrl: nats.url }, EXPOSE_GC);
    const startSocketio = (): Promise<OwnServer> => stage.socketio({}, EXPOSE_GC);
    return [
      idleSide(stage, "conat", "conat", startHub, (address) => ({ kind: "conat", address })),
      idleSide(stage, "raw Socket.IO", "floor", startSocketio, (address) => ({
        kind: "raw-socketio",
        address,
      })),
    ];
  },
};

/** Each round has a server of its own. */
function idleSide(
  stage: Stage,
  name: string,
  role: Side["role"],
  start: () => Promise<OwnServer>,
  toSystem: (address: string) => SystemOptions,
): Side {
  const measure = async (scale: number): Promise<Sample> => {
    const server = await start();
    const system = toSystem(server.url);
    const stores = role === "conat" ? IDLE.stores : 0;
    // The first clients make the server load what all of them need.
    await stage.run(system, { ...IDLE, stores, connections: 20 });
    const before = await server.memory();
    const connections = Math.ceil(IDLE.connections * scale);
    let sample: Sample = { operations: 0, seconds: 0 };
    await stage.run(system, { ...IDLE, stores, connections }, async (taken) => {
      const after = await server.memory();
      const resident = (after.resident - before.resident) / connections / KILOBYTE;
      const objects = (after.objects - before.objects) / connections / KILOBYTE;
      sample = { ...taken, values: { resident, objects } };
    });
    return sample;
  };
  return { name, role, processes: {}, measure };
}

const MANY_STORES: ManyStoresOptions = {
  kind: "many-stores",
  stores: 1_000,
  readers: 20,
  perConnection: 20,
  seconds: 3,
};

export const manyStores: Bench = {
  name: "many-stores",
  rows: [
    {
      name: "many-stores",
      title: "1,000 stores with 20 browsers each, writes by Zipf's law: most confirmed writes",
      unit: "/s",
      metric: perSecond,
      targets: [],
    },
    {
      name: "many-stores-p99",
      title: "99th percentile at half of that, as a multiple of a lone write's median",
      unit: "times",
      metric: value("collapse"),
      targets: [atMost(5, "unit")],
    },
  ],
  maxRounds: 3,
  async open(stage) {
    const nats = await stage.nats();
    const hub = await stage.hub({ natsUrl: nats.url });
    const relay = await stage.socketio();
    return openSides(stage, MANY_STORES, [throughHub(hub, nats), onRawSocketio(relay, "peer")]);
  },
};

const STORES = 10_000;
const KEYS = 100;

/** Whether a write costs more beside many open stores and many keys. */
export const manyKeys: Bench = {
  name: "many-keys",
  large: true,
  rows: [
    {
      name: "many-keys",
      title: "writes to one store beside 10,000 open stores with 1,000,000 keys",
      unit: "/s",
      metric: perSecond,
      ours: "10,000 stores",
      floor: ["1 store"],
      targets: [atLeast(0.8)],
    },
    {
      name: "many-keys-spread",
      title: "writes to these 10,000 stores in turn, each a message of its own",
      unit: "/s",
      metric: perSecond,
      ours: "in turn",
      floor: ["1 store"],
      targets: [],
    },
  ],
  async open(stage) {
    const load: WritesOptions = { kind: "writes", burst: 1_000, operations: 20_000, keys: 1_000 };
    const many = { store: IDLE_STORES, stores: STORES, keys: KEYS };
    const nats = await stage.nats();
    const hub = await stage.hub({ natsUrl: nats.url });
    const fill = { ...load, ...many, burst: 5_000, operations: STORES * KEYS };
    await stage.run({ kind: "conat", address: nats.url }, fill);
    const alone = await stage.nats();
    const hubAlone = await stage.hub({ natsUrl: alone.url });
    const system = (address: string): SystemOptions => ({ kind: "conat", address });
    return [
      await stage.side({
        name: "10,000 stores",
        role: "conat",
        system: system(hub.url),
        load: { ...load, idleStores: STORES },
        servers: { hub, nats },
      }),
      await stage.side({
        name: "in turn",
        role: "conat",
        system: system(hub.url),
        load: { ...load, ...many },
        servers: { hub, nats },
      }),
      await stage.side({
        name: "1 store",
        role: "conat",
        system: system(hubAlone.url),
        load,
        servers: { hub: hubAlone, nats: alone },
      }),
    ];
  },
};
