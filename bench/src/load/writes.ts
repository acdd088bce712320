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
}

/** Writes between two turns of the event loop, so that sending goes on while the rest is made. */
const TURN = 250;
/** Most that a connection may have open. */
const STORES_PER_CONNECTION = 500;

/** Writes of one client until they are confirmed. */
export async function openWrites(system: System, options: WritesOptions): Promise<Load> {
  const { burst, keys } = options;
  const { connections, stores } = await openStores(system, options);
  let written = 0;
  return {
    async measure(scale) {
      const operations = scaled(options.operations, scale);
      const latenciesMs: number[] = [];
      const started = performance.now();
      for (let sent = 0; sent < operations; ) {
        const from = performance.now();
        for (let count = Math.min(burst, operations - sent); count > 0; count -= 1) {
          const key = Math.floor(written / stores.length) % keys;
          stores[written % stores.length]?.set(makeKey(key), makeValue(written));
          written += 1;
          sent += 1;
          if (burst > 1 && sent % TURN === 0) await nextTurn();
        }
        await allConfirmed(stores);
        latenciesMs.push(performance.now() - from);
      }
      return { operations, seconds: (performance.now() - started) / 1_000, latenciesMs };
    },
    async close() {
      await Promise.all(connections.map((connection) => connection.close()));
    },
  };
}

async function openStores(
  system: System,
  { stores: count = 1, store: name = "writes", keys }: WritesOptions,
): Promise<{ connections: Connection[]; stores: Store[] }> {
  const connections: Connection[] = [];
  const stores: Store[] = [];
  while (stores.length < count) {
    const connection = await system.connect();
    connections.push(connection);
    for (let room = STORES_PER_CONNECTION; room > 0 && stores.length < count; room -= 1) {
      const storeName = count === 1 ? name : `${name}-${stores.length}`;
      stores.push(await connection.open(storeName, keys));
    }
  }
  return { connections, stores };
}

async function allConfirmed(stores: readonly Store[]): Promise<void> {
  const [first] = stores;
  if (stores.length === 1 && first) await first.confirmed();
  else await Promise.all(stores.map((store) => store.confirmed()));
}
