import type { ChaosOptions } from "./run.ts";
import { QUICK_SCHEDULE } from "./schedule.ts";

/** Longer than a write that nobody answers takes to be given up and sent again, and than a check for missed entries. */
export const CONVERGE_WITHIN_MS = 60_000;

/** The small cast of every test run: one nats-server, two hubs, four clients, one of each fault, 15 s. */
export function quickOptions(seed: number): Omit<ChaosOptions, "log"> {
  return {
    size: { nodes: 1, hubs: 2, clients: 4, pages: 0 },
    seed,
    pauseMs: 25,
    chromiumPath: undefined,
    schedule: QUICK_SCHEDULE,
    workMs: 15_000,
    convergeWithinMs: CONVERGE_WITHIN_MS,
  };
}
