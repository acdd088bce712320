import { setTimeout as delay } from "node:timers/promises";
import { percentile } from "../framework/stats.ts";
import { type Connection, makeKey, makeValue, type Store, type System } from "../systems/system.ts";
import type { Load, Sample } from "./sample.ts";

export interface ManyStoresOptions {
  readonly kind: "many-stores";
  readonly stores: number;
  /** Connections that have each store open. */
  readonly readers: number;
  /** Stores that each connection has open. */
  readonly perConnection: number;
  /** Time for each of the three parts of a round, in seconds. */
  readonly seconds: number;
}

/** Enough writes under way to keep everything busy. */
const CONCURRENCY = 500;
const KEYS = 100;
const STEP_MS = 1;

/**
 * Many stores with many readers each, written by Zipf's law: the second most popular store gets half of what the first
 * gets. Each round finds the time of a lone write, the most writes that are confirmed, and the times at half of that.
 */
export async function openManyStores(system: System, options: ManyStoresOptions): Promise<Load> {
  const { connections, stores } = await openAll(system, options);
  const pick = zipf(options.stores);
  let written = 0;
  const write = async (): Promise<number> => {
    const copies = stores[pick()] ?? [];
    const store = copies[written % copies.length];
    written += 1;
    const from = performance.now();
    store?.set(makeKey(written % KEYS), makeValue(written));
    await store?.confirmed();
    return performance.now() - from;
  };
  return {
    async measure(scale): Promise<Sample> {
      const ms = options.seconds * 1_000 * scale;
      const lone = await repeat(write, ms, 1);
      const busy = await repeat(write, ms, CONCURRENCY);
      const peak = (busy.length / ms) * 1_000;
      const half = await pace(write, ms, peak / 2);
      const values = {
        lone: percentile(lone, 50),
        halfP99: percentile(half, 99),
        collapse: percentile(half, 99) / percentile(lone, 50),
      };
      return { operations: busy.length, seconds: ms / 1_000, latenciesMs: half, values };
    },
    async close() {
      await Promise.all(connections.map((connection) => connection.close()));
    },
  };
}

async function openAll(
  system: System,
  { stores: count, readers, perConnection }: ManyStoresOptions,
): Promise<{ connections: Connection[]; stores: Store[][] }> {
  const stores: Store[][] = Array.from({ length: count }, () => []);
  const connections: Connection[] = [];
  for (let opened = 0; opened < count * readers; opened += perConnection) {
    const connection = await system.connect();
    connections.push(connection);
    const numbers = Array.from({ length: perConnection }, (_, at) => (opened + at) % count);
    await Promise.all(
      numbers.map(async (number) => {
        stores[number]?.push(await connection.open(`many-${number}`, KEYS));
      }),
    );
  }
  return { connections, stores };
}

/** The times of an action done again and again, by a number of workers, in milliseconds. */
async function repeat(
  action: () => Promise<number>,
  ms: number,
  workers: number,
): Promise<number[]> {
  const times: number[] = [];
  const end = performance.now() + ms;
  const work = async (): Promise<void> => {
    while (performance.now() < end) times.push(await action());
  };
  await Promise.all(Array.from({ length: workers }, work));
  return times;
}

/** The times of an action that is started at a steady pace, whether or not the last has ended. */
async function pace(
  action: () => Promise<number>,
  ms: number,
  perSecond: number,
): Promise<number[]> {
  const times: Promise<number>[] = [];
  const started = performance.now();
  for (let passed = 0; passed < ms; passed = performance.now() - started) {
    while (times.length < (passed / 1_000) * perSecond) times.push(action());
    await delay(STEP_MS);
  }
  return Promise.all(times);
}

/** Returns a function that picks a number below `count`, number n with a weight of 1/(n+1). */
function zipf(count: number): () => number {
  const sums: number[] = [];
  let sum = 0;
  for (let rank = 1; rank <= count; rank += 1) {
    sum += 1 / rank;
    sums.push(sum);
  }
  return () => {
    const at = Math.random() * sum;
    let low = 0;
    let high = count - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((sums[middle] ?? 0) < at) low = middle + 1;
      else high = middle;
    }
    return low;
  };
}
