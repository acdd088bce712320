import { atLeast, atMost, type Bench, type Row, type Side } from "../framework/bench.ts";
import { cpuPerOperation, p50, perSecond } from "../framework/metrics.ts";
import type { Stage } from "../framework/stage.ts";
import type { FanOutOptions } from "../load/fan-out.ts";
import type { LatencyOptions } from "../load/latency.ts";
import type { LoadOptions } from "../load/load-process.ts";
import {
  onRawSocketio,
  onRawSocketioObjects,
  openSides,
  throughBareRelay,
  throughBareRelayKept,
  throughHub,
} from "./usual-sides.ts";

/** More than are ever on their way under load, so that no change replaces another. */
const KEYS = 5_000;

/** Whose listeners get a decoded value, as ours do that look at it. */
const DECODING_FLOOR = ["raw Socket.IO objects"];

/** Nobody decodes a value: beside clients of ours that do not either, and a hub, which never does. */
const BYTES_FLOOR = ["raw Socket.IO"];

/** Stores, on conat and on everything it is compared with. */
async function openStores(stage: Stage, load: FanOutOptions): Promise<Side[]> {
  const nats = await stage.nats();
  const hub = await stage.hub({ natsUrl: nats.url });
  const relay = await stage.socketio({ natsUrl: nats.url });
  const othersNats = await stage.nats();
  const relayToKeepers = await stage.socketio({ natsUrl: othersNats.url });
  const socketio = await stage.socketio();
  const socketioObjects = await stage.socketio();
  return [
    ...(await openSides(stage, load, [
      throughHub(hub, nats),
      {
        ...throughHub(hub, nats),
        name: "conat entries",
        system: { kind: "conat", address: hub.url, project: "entries", readers: "entries" },
      },
      {
        ...throughHub(hub, nats),
        name: "conat entries, kept",
        role: "peer",
        system: { kind: "conat", address: hub.url, project: "kept", readers: "kept" },
      },
      onRawSocketio(socketio),
      onRawSocketioObjects(socketioObjects),
      throughBareRelay(relay, nats),
      throughBareRelayKept(relayToKeepers, othersNats),
    ])),
    ...(await stage.peers(load, ["socket.io-msgpack-parser"])),
    // A reader of these subscribes to every key by itself, so there is only one: that favours them.
    ...(await stage.peers({ ...load, keys: 1 }, ["prsm", "deepstream"])),
  ];
}

async function openChannels(stage: Stage, load: LoadOptions): Promise<Side[]> {
  const nats = await stage.nats();
  const hub = await stage.hub({ natsUrl: nats.url });
  const socketio = await stage.socketio();
  return openSides(stage, load, [
    { ...throughHub(hub, nats), system: { kind: "conat-channel", address: hub.url } },
    onRawSocketio(socketio),
  ]);
}

/** One change at a time: the next is written when everybody has the last. */
function oneAtATime(readers: number): Bench {
  const load: FanOutOptions = {
    kind: "fan-out",
    readers,
    changes: Math.round(60_000 / readers),
    window: 1,
    keys: 100,
  };
  return {
    name: `fan-out-${readers}`,
    rows: [
      {
        name: `fan-out-${readers}`,
        title: `one change at a time to ${readers} clients`,
        unit: "deliveries/s",
        metric: perSecond,
        floor: DECODING_FLOOR,
        targets: [atLeast(0.8)],
      },
      {
        name: `fan-out-${readers}-entries`,
        title: "the same to clients that decode no values",
        unit: "deliveries/s",
        metric: perSecond,
        ours: "conat entries",
        floor: BYTES_FLOOR,
        targets: [atLeast(0.8)],
      },
      {
        name: `fan-out-${readers}-cpu`,
        title: `processor time of the hub for each of these deliveries`,
        unit: "µs",
        metric: cpuPerOperation("hub", "relay", "server"),
        floor: BYTES_FLOOR,
        targets: [atMost(1, "deepstream")],
      },
    ],
    hasPeers: true,
    open: (stage) => openStores(stage, load),
  };
}

export const fanOut: readonly Bench[] = [20, 100, 1_000].map(oneAtATime);

export const fanOutUnderLoad: Bench = {
  name: "fan-out-load",
  rows: [
    {
      name: "fan-out-load",
      title: "changes to 100 clients by a writer that never waits",
      unit: "deliveries/s",
      metric: perSecond,
      floor: DECODING_FLOOR,
      targets: [atLeast(3), atLeast(3, "deepstream"), atLeast(3, "prsm")],
    },
    {
      name: "fan-out-load-entries",
      title: "the same to clients that decode no values",
      unit: "deliveries/s",
      metric: perSecond,
      ours: "conat entries",
      floor: BYTES_FLOOR,
      targets: [atLeast(3)],
    },
    {
      name: "fan-out-load-cpu",
      title: "processor time of the hub for each of these deliveries",
      unit: "µs",
      metric: cpuPerOperation("hub", "relay", "server"),
      floor: BYTES_FLOOR,
      targets: [],
    },
  ],
  hasPeers: true,
  open: (stage) =>
    openStores(stage, {
      kind: "fan-out",
      readers: 100,
      changes: 5_000,
      window: 4_000,
      keys: KEYS,
    }),
};

const ROUND_TRIP: LatencyOptions = { kind: "latency", operations: 5_000, gapMs: 0 };

function channelRow(name: string, title: string): Row {
  return { name, title, unit: "deliveries/s", metric: perSecond, targets: [atLeast(0.8)] };
}

function channelLoad(readers: number, changes: number): (stage: Stage) => Promise<Side[]> {
  const load: FanOutOptions = { kind: "fan-out", readers, changes, window: 500, keys: KEYS };
  return (stage) => openChannels(stage, load);
}

export const channels: readonly Bench[] = [
  {
    name: "pubsub-latency",
    rows: [
      {
        name: "pubsub-latency",
        title: "PubSub message → other client's event, back to back, median",
        unit: "ms",
        metric: p50,
        targets: [atMost(1.25)],
      },
    ],
    open: (stage) => openChannels(stage, ROUND_TRIP),
  },
  {
    name: "pubsub-1",
    rows: [channelRow("pubsub-1", "PubSub messages from one client to one, 500 on their way")],
    open: channelLoad(1, 20_000),
  },
  {
    name: "pubsub-100",
    rows: [channelRow("pubsub-100", "PubSub messages from one client to 100, 500 on their way")],
    open: channelLoad(100, 1_000),
  },
];
