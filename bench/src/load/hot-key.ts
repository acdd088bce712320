import { makeKey, type Store, type System } from "../systems/system.ts";
import { type Load, scaled } from "./sample.ts";

export interface HotKeyOptions {
  readonly kind: "hot-key";
  readonly writers: number;
  readonly operations: number;
}

const KEY = makeKey(0);

/** Many clients add to one number at the same time; every addition must count. */
export async function openHotKey(system: System, options: HotKeyOptions): Promise<Load> {
  const connections = await Promise.all(
    Array.from({ length: options.writers }, () => system.connect()),
  );
  const stores = await Promise.all(connections.map((connection) => connection.open("hot-key", 1)));
  return {
    async measure(scale) {
      const operations = scaled(options.operations, scale);
      const latenciesMs: number[] = [];
      const before = await count(stores);
      const started = performance.now();
      let left = operations;
      await Promise.all(
        stores.map(async (store) => {
          while (left > 0) {
            left -= 1;
            const from = performance.now();
            await increment(store);
            latenciesMs.push(performance.now() - from);
          }
        }),
      );
      const seconds = (performance.now() - started) / 1_000;
      const after = await count(stores);
      const lost = operations - (after - before);
      return { operations, seconds, latenciesMs, values: { lost } };
    },
    async close() {
      await Promise.all(connections.map((connection) => connection.close()));
    },
  };
}

/** Who made the last addition knows of it; the others may not have heard yet. */
async function count(stores: readonly Store[]): Promise<number> {
  return Math.max(...(await Promise.all(stores.map((store) => store.count?.(KEY) ?? 0))));
}

async function increment(store: Store): Promise<void> {
  if (store.increment === undefined) throw new Error("this system cannot add to a number");
  await store.increment(KEY);
}
