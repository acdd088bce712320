import { atMost, type Bench, type Side } from "../framework/bench.ts";
import { cpuPerOperation } from "../framework/metrics.ts";
import type { Stage } from "../framework/stage.ts";
import type { LoadOptions } from "../load/load-process.ts";
import type { RulesFile } from "../servers/hub-process.ts";

/** Rules as applications have them: some for other stores, one that asks who reads, one that asks who writes what. */
const RULES: RulesFile = {
  rules: [
    { allow: "read", path: "project/*/public/**" },
    { allow: ["read", "write"], path: "project/*/settings/$account_id" },
    {
      allow: "read",
      path: "project/*/*/**",
      if: ["or", ["!=", "$identity.role", "viewer"], ["==", "$identity.admin", true]],
    },
    {
      allow: "write",
      path: "project/*/*/:key",
      if: ["and", ["!=", "$identity.role", "viewer"], ["!=", "$params.key", "locked"]],
    },
  ],
};

/** A rule that has to look at every value. */
const BY_VALUE: RulesFile = {
  rules: [
    { allow: "read", path: "project/*/*/**", if: ["!=", ["at", "$value", "hidden"], true] },
    { allow: "read", path: "project/*/*/**", if: ["exists", "$value"] },
    { allow: "write", path: "project/*/*/**" },
  ],
};

/** The same hub twice, on one NATS: without rules, which is the floor, and with them. */
async function open(stage: Stage, load: LoadOptions, rulesFile = RULES): Promise<Side[]> {
  const nats = await stage.nats();
  const off = await stage.hub({ natsUrl: nats.url });
  const on = await stage.hub({ natsUrl: nats.url, rulesFile });
  const side = (name: string, role: Side["role"], hub: typeof off): Promise<Side> =>
    stage.side({
      name,
      role,
      system: { kind: "conat", address: hub.url, project: name.replace(" ", "-") },
      load,
      servers: { hub, nats },
    });
  return [await side("rules on", "conat", on), await side("rules off", "floor", off)];
}

export const rules: readonly Bench[] = [
  {
    name: "rules-write",
    rows: [
      {
        name: "rules-write-cpu",
        title: "processor time of a hub for each write, rules on beside off",
        unit: "µs",
        metric: cpuPerOperation("hub"),
        ours: "rules on",
        targets: [atMost(1.15)],
      },
    ],
    open: (stage) =>
      open(stage, { kind: "writes", operations: 40_000, burst: 5_000, keys: 20_000 }),
  },
  {
    name: "rules-fan-out",
    rows: [
      {
        name: "rules-fan-out-cpu",
        title:
          "processor time of a hub for each delivery to one of 100 clients, rules on beside off",
        unit: "µs",
        metric: cpuPerOperation("hub"),
        ours: "rules on",
        targets: [atMost(1.15)],
      },
    ],
    open: (stage) =>
      open(stage, { kind: "fan-out", readers: 100, changes: 600, window: 1, keys: 100 }),
  },
  {
    name: "rules-by-value",
    rows: [
      {
        name: "rules-by-value-cpu",
        title: "the same with rules for reading that look at every value",
        unit: "µs",
        metric: cpuPerOperation("hub"),
        ours: "rules on",
        targets: [atMost(1.15)],
      },
    ],
    open: (stage) =>
      open(stage, { kind: "fan-out", readers: 100, changes: 600, window: 1, keys: 100 }, BY_VALUE),
  },
];
