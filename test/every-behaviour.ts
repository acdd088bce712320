import { describeCocalcDefects } from "./cocalc-defects-behaviour.ts";
import { describeDkv } from "./dkv-behaviour.ts";
import type { DkvBench } from "./dkv-bench.ts";
import { describeDkvConflicts } from "./dkv-conflict-behaviour.ts";
import { describeDkvOptions } from "./dkv-options-behaviour.ts";
import { describeDkvStores } from "./dkv-stores-behaviour.ts";

/** Everything a store promises, whatever it runs on. */
export function describeEveryBehaviour(bench: DkvBench): void {
  describeDkv(bench);
  describeDkvConflicts(bench);
  describeDkvOptions(bench);
  describeDkvStores(bench);
  describeCocalcDefects(bench);
}
