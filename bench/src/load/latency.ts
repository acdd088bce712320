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

/** From a write by one client to its event at another, one write at a time. */
export async function openLatency(system: System, options: LatencyOptions): Promise<Load> {
  const connections = [await system.connect(), await system.connect()] as const;
  const [writer, reader] = await Promise.all(connections.map((one) => one.open("latency", KEYS)));
  if (!writer || !reader) throw new Error("two stores were opened");
  let arrived = (): void => {};
  await reader.onChange(() => arrived());
  // Never the same value twice: some systems do not tell of a write that changes nothing.
  let written = 0;
  return {
    async measure(scale) {
      const latenciesMs: number[] = [];
      const started = performance.now();
      for (let left = scaled(options.operations, scale); left > 0; left -= 1) {
        if (options.gapMs > 0) await delay(options.gapMs);
        const next = new Promise<void>((resolve) => {
          arrived = resolve;
        });
        const sent = performance.now();
        written += 1;
        writer.set(makeKey(written % KEYS), makeValue(written));
        await next;
        latenciesMs.push(performance.now() - sent);
      }
      const seconds = (performance.now() - started) / 1_000;
      return { operations: latenciesMs.length, seconds, latenciesMs };
    },
    async close() {
      for (const connection of connections) await connection.close();
    },
  };
}
