import { atMost, type Bench, type Row, type Side } from "../framework/bench.ts";
import { p50, p99 } from "../framework/metrics.ts";
import type { Stage } from "../framework/stage.ts";
import type { LatencyOptions } from "../load/latency.ts";
import {
  onCarefulNats,
  onNatsKv,
  onRawNats,
  onRawSocketio,
  openSides,
  straightOnNats,
  throughBareRelay,
  throughHub,
} from "./usual-sides.ts";

const HUB_FLOOR = ["raw NATS", "raw Socket.IO"];

function rows(pace: string, what: string): readonly Row[] {
  return [
    {
      name: `latency-hub-${pace}`,
      title: `set → other client's event through a hub, ${what}, median`,
      unit: "ms",
      metric: p50,
      floor: HUB_FLOOR,
      targets: [atMost(2), atMost(1, "prsm")],
    },
    {
      name: `latency-hub-${pace}-p99`,
      title: `the same, 99th percentile`,
      unit: "ms",
      metric: p99,
      floor: HUB_FLOOR,
      targets: [atMost(2)],
    },
    {
      name: `latency-direct-${pace}`,
      title: `set → other client's event straight on NATS, ${what}, median`,
      unit: "ms",
      metric: p50,
      ours: "conat direct",
      floor: ["raw NATS"],
      targets: [atMost(1.5)],
    },
    {
      name: `latency-direct-${pace}-p99`,
      title: `the same, 99th percentile`,
      unit: "ms",
      metric: p99,
      ours: "conat direct",
      floor: ["raw NATS"],
      targets: [atMost(1.5)],
    },
  ];
}

async function open(stage: Stage, load: LatencyOptions): Promise<Side[]> {
  const nats = await stage.nats();
  const hub = await stage.hub({ natsUrl: nats.url });
  const socketio = await stage.socketio();
  const relay = await stage.socketio({ natsUrl: nats.url });
  return [
    ...(await openSides(stage, load, [
      throughHub(hub, nats),
      straightOnNats(nats),
      onRawNats(nats),
      onCarefulNats(nats),
      onRawSocketio(socketio),
      throughBareRelay(relay, nats),
      onNatsKv(nats),
    ])),
    ...(await stage.peers(load, ["prsm", "deepstream"])),
  ];
}

export const latencySpaced: Bench = {
  name: "latency-spaced",
  rows: rows("spaced", "5 ms between writes"),
  hasPeers: true,
  open: (stage) => open(stage, { kind: "latency", operations: 500, gapMs: 5 }),
};

export const latencyBusy: Bench = {
  name: "latency-busy",
  rows: rows("busy", "each write right after the last event"),
  hasPeers: true,
  open: (stage) => open(stage, { kind: "latency", operations: 5_000, gapMs: 0 }),
};
