import { usedMemory } from "../servers/used-memory.ts";
import type { System } from "../systems/system.ts";
import type { Load } from "./sample.ts";

export interface MemoryOptions {
  readonly kind: "memory";
  readonly store: string;
  readonly keys: number;
}

const MEGABYTE = 1_000_000;

/** Memory that an open store takes in a client, in MB (10⁶ bytes): JavaScript heap and buffers outside of it. */
export async function openMemory(system: System, options: MemoryOptions): Promise<Load> {
  const connection = await system.connect();
  return {
    async measure() {
      const before = used();
      const started = performance.now();
      const { opened, read } = await openAndRead();
      const seconds = (performance.now() - started) / 1_000;
      const closed = used() - before;
      return { operations: 1, seconds, values: { opened, read, closed } };
    },
    close: () => connection.close(),
  };

  /** In a function of its own, so that nothing of the store is held when it returns. */
  async function openAndRead(): Promise<{ opened: number; read: number }> {
    const before = used();
    const store = await connection.open(options.store, options.keys);
    const opened = used() - before;
    if (store.size !== options.keys) throw new Error(`the store has ${store.size} keys`);
    store.readAll?.();
    const read = used() - before;
    await store.close();
    return { opened, read };
  }
}

function used(): number {
  return usedMemory().objects / MEGABYTE;
}
