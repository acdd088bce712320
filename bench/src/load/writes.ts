import { setImmediate as nextTurn } from "node:timers/promises";
import { makeKey, makeValue, type System } from "../systems/system.ts";
import { type Load, scaled } from "./sample.ts";

export interface WritesOptions {
  readonly kind: "writes";
  readonly store?: string | undefined;
  readonly operations: number;
  /** Writes between two waits for confirmation: 1 is "sequential". At most `keys`, so that none replaces another. */
  readonly burst: number;
  /** Different keys, written in turn. */
  readonly keys: number;
}

/** Writes between two turns of the event loop, so that sending goes on while the rest is made. */
const TURN = 250;

/** Writes of one client until they are confirmed. */
export async function openWrites(system: System, options: WritesOptions): Promise<Load> {
  const { burst, keys } = options;
  const connection = await system.connect();
  const store = await connection.open(options.store ?? "writes", keys);
  let written = 0;
  return {
    async measure(scale) {
      const operations = scaled(options.operations, scale);
      const latenciesMs: number[] = [];
      const started = performance.now();
      for (let sent = 0; sent < operations; ) {
        const from = performance.now();
        for (let count = Math.min(burst, operations - sent); count > 0; count -= 1) {
          store.set(makeKey(written % keys), makeValue(written));
          written += 1;
          sent += 1;
          if (burst > 1 && sent % TURN === 0) await nextTurn();
        }
        await store.confirmed();
        latenciesMs.push(performance.now() - from);
      }
      return { operations, seconds: (performance.now() - started) / 1_000, latenciesMs };
    },
    close: () => connection.close(),
  };
}
