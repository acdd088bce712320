import { setImmediate as nextTurn } from "node:timers/promises";
import { makeKey, makeValue, type System } from "../systems/system.ts";
import { type Load, scaled } from "./sample.ts";

export interface FanOutOptions {
  readonly kind: "fan-out";
  readonly readers: number;
  /** Changes per round. An operation is one delivery: a change at one reader. */
  readonly changes: number;
  /** Changes on their way to readers: 1 is "one at a time"; many, and the writer never waits. */
  readonly window: number;
  /** Different keys, written in turn; more than `window` where a change could replace another on its way. */
  readonly keys: number;
}

/** Writes between two turns of the event loop, so that sending goes on while the rest is made. */
const TURN = 50;

/** One client writes, many receive every change. */
export async function openFanOut(system: System, options: FanOutOptions): Promise<Load> {
  const { readers, window, keys } = options;
  const connection = await system.connect();
  const writer = await connection.open("fan-out", keys);
  const connections = [connection];
  let delivered = 0;
  let awaited = Number.POSITIVE_INFINITY;
  let reached = (): void => {};
  const onDelivery = (): void => {
    delivered += 1;
    if (delivered >= awaited) reached();
  };
  for (let reader = 0; reader < readers; reader += 1) {
    const own = await system.connect();
    connections.push(own);
    if (own.follow) await own.follow("fan-out", onDelivery);
    else await (await own.open("fan-out", keys)).onChange(onDelivery);
  }
  let written = 0;
  return {
    async measure(scale) {
      const changes = scaled(options.changes, scale);
      const latenciesMs: number[] = [];
      delivered = 0;
      const started = performance.now();
      for (let sent = 0; sent < changes; ) {
        const from = performance.now();
        while (sent < changes && sent - delivered / readers < window) {
          written += 1;
          writer.set(makeKey(written % keys), makeValue(written));
          sent += 1;
          if (window > 1 && sent % TURN === 0) await nextTurn();
        }
        // All of it at the end of a round; before that, until a quarter of the window is free.
        const enough = sent === changes ? sent : sent - Math.floor((window * 3) / 4);
        awaited = enough * readers;
        if (delivered < awaited) {
          await new Promise<void>((resolve) => {
            reached = resolve;
          });
        }
        latenciesMs.push(performance.now() - from);
      }
      const seconds = (performance.now() - started) / 1_000;
      return { operations: changes * readers, seconds, latenciesMs };
    },
    async close() {
      await Promise.all(connections.map((one) => one.close()));
    },
  };
}
