import { setImmediate as nextTurn } from "node:timers/promises";
import { type Connection, makeKey, makeValue, type Store, type System } from "../systems/system.ts";
import { type Load, scaled } from "./sample.ts";

export interface WritesOptions {
  readonly kind: "writes";
  readonly store?: string | undefined;
  readonly operations: number;
  /** Writes between two waits for confirmation: 1 is "sequential". At most `keys`, so that none replaces another. */
  readonly burst: number;
  /** Different keys of each store, written in turn. */
  readonly keys: number;
  /** Different stores, written in turn. @default 1 */
  readonly stores?: number | undefined;
  /** Stores that are open as well, and not written. @default 0 */
  readonly idleStores?: number | undefined;
}

/** Writes between two turns of the event loop, so that sending goes on while the rest is made. */
const TURN = 250;
/** Most that a connection may have open. */
const STORES_PER_CONNECTION = 500;

/** Writes of one client until they are confirmed. */
export async function openWrites(system: System, options: WritesOptions): Promise<Load> {
  const { burst, keys, store: name = "writes", stores: count = 1, idleStores = 0 } = options;
  const { connections, stores } = await openStores(system, storeNames(name, count), keys);
  const idle = await openStores(system, storeNames(IDLE_STORES, idleStores), keys);
  let written = 0;
  return {
    async measure(scale) {
      const operations = scaled(options.operations, scale);
      const latenciesMs: number[] = [];
      const started = performance.now();
      for (let sent = 0; sent < operations; ) {
        const from = performance.now();
        const touched = new Set<Store>();
        for (let left = Math.min(burst, operations - sent); left > 0; left -= 1) {
          const key = Math.floor(written / stores.length) % keys;
          const store = stores[written % stores.length];
          if (store === undefined) break;
          store.set(makeKey(key), makeValue(written));
          touched.add(store);
          written += 1;
          sent += 1;
          if (burst > 1 && sent % TURN === 0) await nextTurn();
        }
        await Promise.all(Array.from(touched, (store) => store.confirmed()));
        latenciesMs.push(performance.now() - from);
      }
      return { operations, seconds: (performance.now() - started) / 1_000, latenciesMs };
    },
    async close() {
      await Promise.all([...connections, ...idle.connections].map((one) => one.close()));
    },
  };
}

/** What the stores are called that nobody writes to while something is measured. */
export const IDLE_STORES = "idle";

function storeNames(name: string, count: number): string[] {
  return count === 1 ? [name] : Array.from({ length: count }, (_, number) => `${name}-${number}`);
}

async function openStores(
  system: System,
  names: string[],
  keys: number,
): Promise<{ connections: Connection[]; stores: Store[] }> {
  const connections: Connection[] = [];
  const stores: Store[] = [];
  for (let from = 0; from < names.length; from += STORES_PER_CONNECTION) {
    const connection = await system.connect();
    connections.push(connection);
    for (const name of names.slice(from, from + STORES_PER_CONNECTION)) {
      stores.push(await connection.open(name, keys));
    }
  }
  return { connections, stores };
}
