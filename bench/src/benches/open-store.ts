import { atMost, type Bench, type Row, type Side } from "../framework/bench.ts";
import { p50 } from "../framework/metrics.ts";
import type { Stage } from "../framework/stage.ts";
import type { OpenStoreOptions } from "../load/open-store.ts";

const STORE = "filled";
/** Keys in one round's opens, so that a round takes about as long for small stores as for large ones. */
const KEYS_PER_ROUND = 100_000;
const MAX_OPENS = 50;
/** A hub that forgets a store at once, and how long that may take. */
const FORGETFUL_LINGER_MS = 1;
const FORGET_MS = 20;

async function open(stage: Stage, keys: number): Promise<Side[]> {
  const nats = await stage.nats();
  const forgetful = await stage.hub({ natsUrl: nats.url, feedLingerMs: FORGETFUL_LINGER_MS });
  const hub = await stage.hub({ natsUrl: nats.url });
  const fill = { kind: "writes", store: STORE, operations: keys, burst: 5_000, keys } as const;
  const direct = { kind: "conat", address: nats.url } as const;
  await stage.run(direct, fill);
  await stage.run({ kind: "raw-nats", address: nats.url }, fill);
  const load: OpenStoreOptions = {
    kind: "open-store",
    store: STORE,
    keys,
    operations: Math.min(MAX_OPENS, Math.max(1, Math.round(KEYS_PER_ROUND / keys))),
    gapMs: FORGET_MS,
    keepWarm: false,
  };
  return [
    await stage.side({
      name: "cold hub",
      role: "conat",
      system: { kind: "conat", address: forgetful.url },
      load,
      servers: { hub: forgetful, nats },
    }),
    await stage.side({
      name: "warm hub",
      role: "conat",
      system: { kind: "conat", address: hub.url },
      load: { ...load, keepWarm: true },
      servers: { hub, nats },
    }),
    await stage.side({
      name: "direct",
      role: "conat",
      system: direct,
      load,
      servers: { nats },
    }),
    await stage.side({
      name: "raw load",
      role: "floor",
      system: { kind: "raw-nats-load", address: nats.url },
      load,
      servers: { nats },
    }),
  ];
}

function openStore(keys: number): Bench {
  const row = (name: string, ours: string, where: string, times: number): Row => ({
    name: `open-${name}-${keys}`,
    title: `open a store with ${keys.toLocaleString("en")} keys ${where}`,
    unit: "ms",
    metric: p50,
    ours,
    targets: [atMost(times)],
  });
  return {
    name: `open-${keys}`,
    rows: [
      row("cold", "cold hub", "through a hub that does not have it", 2.5),
      row("warm", "warm hub", "through a hub that has it", 1.5),
      row("direct", "direct", "straight on NATS", 1.5),
    ],
    large: keys > 100_000,
    open: (stage) => open(stage, keys),
  };
}

export const openStores: readonly Bench[] = [100, 1_000, 10_000, 100_000, 1_000_000].map(openStore);
