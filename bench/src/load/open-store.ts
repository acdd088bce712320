import { setTimeout as delay } from "node:timers/promises";
import type { System } from "../systems/system.ts";
import { type Load, scaled } from "./sample.ts";

export interface OpenStoreOptions {
  readonly kind: "open-store";
  readonly store: string;
  /** Keys that the store holds. */
  readonly keys: number;
  /** Opens per round. */
  readonly operations: number;
  /** Pause before each open, in milliseconds, so that a hub forgets the store. */
  readonly gapMs: number;
  /** Keep the store open by another client, so that the hub has it. */
  readonly keepWarm: boolean;
}

/** Opens a filled store again and again, each time by a connection that has not seen it. */
export async function openOpenStore(system: System, options: OpenStoreOptions): Promise<Load> {
  const holder = await system.connect();
  if (options.keepWarm) await holder.open(options.store, options.keys);
  return {
    async measure(scale) {
      const latenciesMs: number[] = [];
      for (let left = scaled(options.operations, scale); left > 0; left -= 1) {
        const connection = await system.connect();
        await delay(options.gapMs);
        const from = performance.now();
        const store = await connection.open(options.store, options.keys);
        latenciesMs.push(performance.now() - from);
        if (store.size !== options.keys) {
          throw new Error(`the store has ${store.size} keys, not ${options.keys}`);
        }
        await connection.close();
      }
      const seconds = latenciesMs.reduce((sum, one) => sum + one, 0) / 1_000;
      return { operations: latenciesMs.length, seconds, latenciesMs };
    },
    close: () => holder.close(),
  };
}
