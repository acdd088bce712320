import { setTimeout as delay } from "node:timers/promises";
import { makeKey, makeValue, type System } from "../systems/system.ts";
import { type Load, scaled } from "./sample.ts";

export interface LatencyOptions {
  readonly kind: "latency";
  readonly operations: number;
  /** Pause before each write, in milliseconds; without one the next write follows the event of the last. */
  readonly gapMs: number;
}

const KEYS = 100;

/** Writes without a pause before the first with one: a few hundred would be done by code that is not compiled yet. */
const WARM_UP = 20_000;

/** From a write by one client to its event at another, one write at a time. */
export async function openLatency(system: System, options: LatencyOptions): Promise<Load> {
  const connections = [await system.connect(), await system.connect()] as const;
  const [writer, reader] = await Promise.all(connections.map((one) => one.open("latency", KEYS)));
  if (!writer || !reader) throw new Error("two stores were opened");
  let arrived = (): void => {};
  await reader.onChange(() => arrived());
  // Never the same value twice: some systems do not tell of a write that changes nothing.
  let written = 0;
  const writeSome = async (operations: number, gapMs: number): Promise<number[]> => {
    const latenciesMs: number[] = [];
    for (let left = operations; left > 0; left -= 1) {
      if (gapMs > 0) await delay(gapMs);
      const next = new Promise<void>((resolve) => {
        arrived = resolve;
      });
      const sent = performance.now();
      written += 1;
      writer.set(makeKey(written % KEYS), makeValue(written));
      await next;
      latenciesMs.push(performance.now() - sent);
    }
    return latenciesMs;
  };
  return {
    async measure(scale) {
      const { operations, gapMs } = options;
      if (gapMs > 0 && written === 0) await writeSome(scaled(WARM_UP, scale), 0);
      const started = performance.now();
      const latenciesMs = await writeSome(scaled(operations, scale), gapMs);
      const seconds = (performance.now() - started) / 1_000;
      return { operations: latenciesMs.length, seconds, latenciesMs };
    },
    async close() {
      for (const connection of connections) await connection.close();
    },
  };
}
