import { setTimeout as delay } from "node:timers/promises";
import { makeKey, makeValue, type System } from "../systems/system.ts";
import { type Load, scaled } from "./sample.ts";

export interface LatencyOptions {
  readonly kind: "latency";
  readonly operations: number;
  /** Pause before each write, in milliseconds; without one the next write follows the event of the last. */
  readonly gapMs: number;
}

/** From a write by one client to its event at another, one write at a time. */
export async function openLatency(system: System, options: LatencyOptions): Promise<Load> {
  const connections = [await system.connect(), await system.connect()] as const;
  const [writer, reader] = await Promise.all(connections.map((one) => one.open("latency")));
  if (!writer || !reader) throw new Error("two stores were opened");
  let arrived = (): void => {};
  reader.onChange(() => arrived());
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
        writer.set(makeKey(left % 100), makeValue(left));
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
