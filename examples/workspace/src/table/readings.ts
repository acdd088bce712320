import type { DKV } from "@conat/conat";
import type { Reading } from "../model/stores.ts";

export const ROWS = 10_000;

/** Fewer than a store's outbox holds. */
const BATCH = 2_000;

const SENSORS = ["Pump", "Valve", "Boiler", "Fan", "Gate", "Tank"] as const;

export function rowKey(index: number): string {
  return `r${String(index).padStart(5, "0")}`;
}

export function createReading(index: number): Reading {
  const sensor = `${SENSORS[index % SENSORS.length]} ${Math.floor(index / SENSORS.length) + 1}`;
  return { sensor, value: (index * 37) % 101, count: 1 };
}

/**
 * Writes every row, a batch at a time.
 * @throws ConatError why one could not be stored
 */
export async function fill(store: DKV<Reading>): Promise<void> {
  for (let start = 0; start < ROWS; start += BATCH) {
    const batch = new Map<string, Reading>();
    for (let index = start; index < Math.min(ROWS, start + BATCH); index += 1) {
      batch.set(rowKey(index), createReading(index));
    }
    store.setMany(batch);
    await store.save();
  }
}

/** Writes some rows anew, wherever they are. */
export function changeSome(store: DKV<Reading>, count: number): void {
  const keys = store.keys();
  for (let made = 0; made < Math.min(count, keys.length); made += 1) {
    const key = keys[Math.floor(Math.random() * keys.length)];
    const reading = key === undefined ? undefined : store.get(key);
    if (key === undefined || reading === undefined) continue;
    const value = Math.min(100, Math.max(0, reading.value + Math.random() * 20 - 10));
    store.set(key, { ...reading, value, count: reading.count + 1 });
  }
}
