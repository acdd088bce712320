import { atLeast, type Bench, type Side } from "../framework/bench.ts";
import { perSecond } from "../framework/metrics.ts";
import type { Stage } from "../framework/stage.ts";
import type { WritesOptions } from "../load/writes.ts";
import {
  onCarefulNats,
  onNatsKv,
  onRawNats,
  openSides,
  straightOnNats,
  throughBareRelay,
  throughHub,
} from "./usual-sides.ts";

async function open(stage: Stage, load: WritesOptions): Promise<Side[]> {
  const nats = await stage.nats();
  const hub = await stage.hub({ natsUrl: nats.url });
  const relay = await stage.socketio({ natsUrl: nats.url });
  return [
    ...(await openSides(stage, load, [
      throughHub(hub, nats),
      straightOnNats(nats),
      onRawNats(nats, "by store"),
      onCarefulNats(nats, "by store"),
      throughBareRelay(relay, nats),
      onNatsKv(nats),
    ])),
    ...(await stage.peers(load, ["prsm", "deepstream"])),
  ];
}

export const pipelinedWrites: Bench = {
  name: "writes-pipelined",
  rows: [
    {
      name: "writes-hub",
      title: "confirmed writes of distinct keys through a hub, bursts of 5,000",
      unit: "/s",
      metric: perSecond,
      targets: [atLeast(0.35), atLeast(1.5, "prsm")],
    },
    {
      name: "writes-direct",
      title: "confirmed writes of distinct keys straight on NATS, bursts of 5,000",
      unit: "/s",
      metric: perSecond,
      ours: "conat direct",
      targets: [atLeast(0.6)],
    },
  ],
  hasPeers: true,
  open: (stage) => open(stage, { kind: "writes", operations: 40_000, burst: 5_000, keys: 20_000 }),
};

export const sequentialWrites: Bench = {
  name: "writes-sequential",
  rows: [
    {
      name: "save-hub",
      title: "set and await save(), one after the other, through a hub",
      unit: "/s",
      metric: perSecond,
      targets: [atLeast(0.35)],
    },
    {
      name: "save-direct",
      title: "set and await save(), one after the other, straight on NATS",
      unit: "/s",
      metric: perSecond,
      ours: "conat direct",
      targets: [atLeast(0.7)],
    },
  ],
  hasPeers: true,
  open: (stage) => open(stage, { kind: "writes", operations: 5_000, burst: 1, keys: 1_000 }),
};

/** Whether a write costs more in a large store. */
export const overwrites: Bench = {
  name: "overwrites",
  rows: ["hub", "direct"].map((path) => ({
    name: `overwrites-${path}`,
    title: `overwrites in a store with 100,000 keys beside one with 1,000, ${path === "hub" ? "through a hub" : "straight on NATS"}`,
    unit: "/s",
    metric: perSecond,
    ours: `${path} 100,000`,
    floor: [`${path} 1,000`],
    targets: [atLeast(0.8)],
  })),
  async open(stage) {
    const nats = await stage.nats();
    const hub = await stage.hub({ natsUrl: nats.url });
    const sides: Side[] = [];
    for (const [path, address] of [
      ["hub", hub.url],
      ["direct", nats.url],
    ] as const) {
      for (const keys of [1_000, 100_000]) {
        const name = `${path} ${keys.toLocaleString("en")}`;
        const system = { kind: "conat", address } as const;
        const load = { kind: "writes", store: name, burst: 1_000, keys } as const;
        const fill = { ...load, burst: Math.min(keys, 5_000), operations: keys };
        await stage.run({ ...system, address: nats.url }, fill);
        sides.push(
          await stage.side({
            name,
            role: "conat",
            system,
            load: { ...load, operations: 20_000 },
            servers: path === "hub" ? { hub, nats } : { nats },
          }),
        );
      }
    }
    return sides;
  },
};
