import { atLeast, atMost, type Bench } from "../framework/bench.ts";
import { p50, p99, perSecond, value } from "../framework/metrics.ts";
import type { HotKeyOptions } from "../load/hot-key.ts";
import type { RenewalsOptions } from "../load/renewals.ts";
import {
  onNatsKv,
  onRawNats,
  onRawSocketio,
  openSides,
  straightOnNats,
  throughBareRelay,
  throughHub,
} from "./usual-sides.ts";

const HOT_KEY: HotKeyOptions = { kind: "hot-key", writers: 50, operations: 4_000 };

export const hotKey: Bench = {
  name: "hot-key",
  rows: [
    {
      name: "hot-key-hub",
      title: "50 clients add to one number by update() through a hub",
      unit: "/s",
      metric: perSecond,
      targets: [atLeast(5, "prsm")],
    },
    {
      name: "hot-key-direct",
      title: "the same straight on NATS",
      unit: "/s",
      metric: perSecond,
      ours: "conat direct",
      targets: [],
    },
    {
      name: "hot-key-lost",
      title: "additions that were confirmed and do not count",
      unit: "lost",
      metric: value("lost"),
      floor: [],
      targets: [atMost(0, "unit")],
    },
  ],
  hasPeers: true,
  async open(stage) {
    const nats = await stage.nats();
    const hub = await stage.hub({ natsUrl: nats.url });
    const relay = await stage.socketio();
    const storingRelay = await stage.socketio({ natsUrl: nats.url });
    const othersNats = await stage.nats();
    const tellingRelay = await stage.socketio({ natsUrl: othersNats.url, tellsTurns: true });
    return [
      ...(await openSides(stage, HOT_KEY, [
        throughHub(hub, nats),
        straightOnNats(nats),
        onRawNats(nats),
        onNatsKv(nats),
        { ...onRawSocketio(relay, "peer"), name: "raw turns" },
        { ...throughBareRelay(storingRelay, nats), name: "raw turns, stored" },
        { ...throughBareRelay(tellingRelay, othersNats), name: "raw turns, stored and told" },
      ])),
      ...(await stage.peers(HOT_KEY, ["prsm"])),
    ];
  },
};

const RENEWALS: RenewalsOptions = {
  kind: "renewals",
  connections: 20,
  keys: 500,
  ttlMs: 5_000,
  perSecond: 500,
  seconds: 4,
};

export const renewals: Bench = {
  name: "ttl-renewals",
  rows: [
    {
      name: "ttl-renewals",
      title:
        "500 renewals/s of keys that live 5 s, through a hub: to another client's event, median",
      unit: "ms",
      metric: p50,
      targets: [],
    },
    {
      name: "ttl-renewals-p99",
      title: "the same, 99th percentile",
      unit: "ms",
      metric: p99,
      targets: [],
    },
  ],
  async open(stage) {
    const nats = await stage.nats();
    const hub = await stage.hub({ natsUrl: nats.url });
    const inMemory = { kind: "conat", ephemeral: true } as const;
    return openSides(stage, RENEWALS, [
      { ...throughHub(hub, nats), system: { ...inMemory, address: hub.url } },
      {
        ...straightOnNats(nats),
        system: { ...inMemory, address: nats.url, project: "direct" },
      },
      onRawNats(nats),
    ]);
  },
};
