import type { Bench } from "../framework/bench.ts";
import { hotKey, renewals } from "./contention.ts";
import { channels, fanOut, fanOutUnderLoad } from "./fan-out.ts";
import { latencyBusy, latencySpaced } from "./latency.ts";
import { clientMemory, hubMemory } from "./memory.ts";
import { openStores } from "./open-store.ts";
import { resume } from "./resume.ts";
import { rules } from "./rules.ts";
import { idle, manyKeys, manyStores } from "./scale.ts";
import { hubStart, npmStart } from "./start-up.ts";
import { table } from "./table.ts";
import { overwrites, pipelinedWrites, sequentialWrites } from "./writes.ts";

/** Everything that can be measured, in the order in which it is shown. */
export const BENCHES: readonly Bench[] = [
  latencySpaced,
  latencyBusy,
  pipelinedWrites,
  sequentialWrites,
  overwrites,
  hotKey,
  renewals,
  ...openStores,
  ...fanOut,
  fanOutUnderLoad,
  ...channels,
  ...rules,
  clientMemory,
  hubMemory,
  idle,
  manyStores,
  manyKeys,
  resume,
  table,
  hubStart,
  npmStart,
];
