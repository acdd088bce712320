import type { Connection, System } from "../systems/system.ts";
import type { Load, Sample } from "./sample.ts";

export interface IdleOptions {
  readonly kind: "idle";
  readonly connections: number;
  /** Stores that each connection opens; 0 for none. */
  readonly stores: number;
  /** Connections that open the same stores. */
  readonly together: number;
}

/** Connections made at the same time. */
const CONCURRENCY = 20;

/** Many clients that connect, open their stores, and do nothing; they stay until the load is closed. */
export async function openIdle(system: System, options: IdleOptions): Promise<Load> {
  const connections: Connection[] = [];
  return {
    async measure(): Promise<Sample> {
      const started = performance.now();
      let left = options.connections;
      const work = async (): Promise<void> => {
        while (left > 0) {
          left -= 1;
          const project = Math.floor(left / options.together);
          const connection = await system.connect();
          connections.push(connection);
          for (let store = 0; store < options.stores; store += 1) {
            await connection.open(`idle-${project}-${store}`, 0);
          }
        }
      };
      await Promise.all(Array.from({ length: CONCURRENCY }, work));
      const seconds = (performance.now() - started) / 1_000;
      return { operations: options.connections, seconds };
    },
    async close() {
      await Promise.all(connections.map((connection) => connection.close()));
    },
  };
}
