import { setTimeout as delay } from "node:timers/promises";
import { makeKey, makeValue, type System } from "../systems/system.ts";
import { type Load, scaled } from "./sample.ts";

export interface RenewalsOptions {
  readonly kind: "renewals";
  readonly connections: number;
  /** Keys that live for `ttlMs`, each renewed in turn. */
  readonly keys: number;
  readonly ttlMs: number;
  readonly perSecond: number;
  readonly seconds: number;
}

/** Ten writes at a time keep the pace whatever the timer's resolution. */
const STEP_MS = 20;

/** Presence: keys with a lifetime, renewed at a steady pace; from each renewal to its event at another client. */
export async function openRenewals(system: System, options: RenewalsOptions): Promise<Load> {
  const { keys, ttlMs, perSecond } = options;
  const connections = await Promise.all(
    Array.from({ length: options.connections + 1 }, () => system.connect()),
  );
  const [reader, ...writers] = await Promise.all(
    connections.map((one) => one.open("renewals", keys)),
  );
  if (reader === undefined) throw new Error("no store was opened");
  const sent = new Map<string, number>();
  let onArrival: (latencyMs: number) => void = () => {};
  await reader.onChange((key) => {
    const at = sent.get(key);
    sent.delete(key);
    if (at !== undefined) onArrival(performance.now() - at);
  });
  return {
    async measure(scale) {
      const operations = scaled(perSecond * options.seconds, scale);
      const latenciesMs: number[] = [];
      const started = performance.now();
      const all = new Promise<void>((resolve) => {
        onArrival = (latencyMs) => {
          latenciesMs.push(latencyMs);
          if (latenciesMs.length === operations) resolve();
        };
      });
      for (let made = 0; made < operations; ) {
        const due = Math.min(operations, ((performance.now() - started) / 1_000) * perSecond);
        for (; made < due; made += 1) {
          const key = makeKey(made % keys);
          sent.set(key, performance.now());
          writers[made % writers.length]?.set(key, makeValue(made), ttlMs);
        }
        await delay(STEP_MS);
      }
      await all;
      return { operations, seconds: (performance.now() - started) / 1_000, latenciesMs };
    },
    async close() {
      await Promise.all(connections.map((connection) => connection.close()));
    },
  };
}
