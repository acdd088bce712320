import { setTimeout as delay } from "node:timers/promises";
import { atMost, type Bench } from "../framework/bench.ts";
import { value } from "../framework/metrics.ts";
import type { Sample } from "../load/sample.ts";
import type { WritesOptions } from "../load/writes.ts";
import { RawBatchReader } from "../systems/raw-nats-batch.ts";

const STORE = "resumed";
const KEYS = 100_000;
const CHANGED = 1_000;
const AWAY_MS = 2_000;

/** A client that was away while 1,000 of 100,000 keys changed. Others have the store open all the time. */
export const resume: Bench = {
  name: "resume",
  rows: [
    {
      name: "resume-time",
      title:
        "client back after 2 s with 1,000 of 100,000 keys changed: connected → all changes there",
      unit: "ms",
      metric: value("ms"),
      targets: [atMost(3)],
    },
    {
      name: "resume-bytes",
      title: "bytes that the hub sends it, beside keys and values of the changed entries",
      unit: "kB",
      metric: value("kB"),
      targets: [atMost(1.2)],
    },
  ],
  async open(stage) {
    const nats = await stage.nats();
    const hub = await stage.hub({ natsUrl: nats.url });
    const line = await stage.line(hub.url);
    const direct = { kind: "conat", address: nats.url } as const;
    const raw = { kind: "raw-nats", address: nats.url } as const;
    const fill: WritesOptions = {
      kind: "writes",
      store: STORE,
      operations: KEYS,
      burst: 5_000,
      keys: KEYS,
    };
    const change = { ...fill, operations: CHANGED, burst: CHANGED, keys: CHANGED };
    await stage.run(direct, fill);
    await stage.run(raw, fill);
    const other = await stage.side({
      name: "another client",
      role: "conat",
      system: { kind: "conat", address: hub.url },
      load: { kind: "resume", store: STORE, keys: KEYS, changed: CHANGED },
      servers: {},
    });
    const client = await stage.side({
      name: "conat",
      role: "conat",
      system: { kind: "conat", address: line.url },
      load: { kind: "resume", store: STORE, keys: KEYS, changed: CHANGED },
      servers: {},
    });
    const reader = await RawBatchReader.open(nats.url, STORE);
    stage.own(reader);
    return [
      {
        name: "conat",
        role: "conat",
        processes: {
          hub: hub.pid,
          nats: nats.pid,
          load: client.processes.load ?? 0,
          other: other.processes.load ?? 0,
        },
        async measure(): Promise<Sample> {
          line.cut();
          await stage.run(direct, change);
          await delay(AWAY_MS);
          line.takeBytes();
          const complete = client.measure(1);
          line.restore();
          const { seconds } = await complete;
          const values = { ms: seconds * 1_000, kB: line.takeBytes() / 1_000 };
          return { operations: CHANGED, seconds, values };
        },
      },
      {
        name: "raw batch get",
        role: "floor",
        processes: { nats: nats.pid },
        async measure(): Promise<Sample> {
          await stage.run(raw, change);
          const { ms, bytes } = await reader.read(CHANGED);
          return { operations: CHANGED, seconds: ms / 1_000, values: { ms, kB: bytes / 1_000 } };
        },
      },
    ];
  },
};
