import { serve } from "../framework/serve.ts";
import { openSystem, type SystemOptions } from "../systems/open-system.ts";
import { type FanOutOptions, openFanOut } from "./fan-out.ts";
import { type HotKeyOptions, openHotKey } from "./hot-key.ts";
import { type IdleOptions, openIdle } from "./idle.ts";
import { type LatencyOptions, openLatency } from "./latency.ts";
import { type ManyStoresOptions, openManyStores } from "./many-stores.ts";
import { type MemoryOptions, openMemory } from "./memory.ts";
import { type OpenStoreOptions, openOpenStore } from "./open-store.ts";
import { openRenewals, type RenewalsOptions } from "./renewals.ts";
import { openResume, type ResumeOptions } from "./resume.ts";
import type { Load, Sample } from "./sample.ts";
import { openWrites, type WritesOptions } from "./writes.ts";

export type LoadOptions =
  | FanOutOptions
  | HotKeyOptions
  | IdleOptions
  | LatencyOptions
  | ManyStoresOptions
  | MemoryOptions
  | OpenStoreOptions
  | RenewalsOptions
  | ResumeOptions
  | WritesOptions;

let load: Load | undefined;

/** One load on one system: all of its clients run in this process. */
export const loadProcess = serve(
  {
    async open(options: { system: SystemOptions; load: LoadOptions }): Promise<void> {
      load = await openLoad(options.system, options.load);
    },
    async measure(scale: number): Promise<Sample> {
      if (load === undefined) throw new Error("no load is open");
      return load.measure(scale);
    },
  },
  () => load?.close(),
);

async function openLoad(systemOptions: SystemOptions, options: LoadOptions): Promise<Load> {
  const system = await openSystem(systemOptions);
  switch (options.kind) {
    case "fan-out":
      return openFanOut(system, options);
    case "hot-key":
      return openHotKey(system, options);
    case "idle":
      return openIdle(system, options);
    case "latency":
      return openLatency(system, options);
    case "many-stores":
      return openManyStores(system, options);
    case "memory":
      return openMemory(system, options);
    case "open-store":
      return openOpenStore(system, options);
    case "renewals":
      return openRenewals(system, options);
    case "resume":
      return openResume(system, options);
    case "writes":
      return openWrites(system, options);
  }
}
