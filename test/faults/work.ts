import type { DKV, WriteOutcome } from "@conat/conat";
import { eventually } from "@conat/conat/testing";
import { expect } from "vitest";

/** Somebody who writes all the time, until told to stop. */
export interface Work {
  /** How every write so far has ended, by the value that was written. */
  readonly outcomes: ReadonlyMap<number, WriteOutcome>;
  readonly rejects: string[];
  /** Writes acknowledged so far. */
  confirmed(): number;
  /** Stops, and resolves when every write has ended. */
  stop(): Promise<void>;
}

/** Writes 1, 2, 3, … under ten keys in turn, one every few milliseconds. */
export function startWork(store: DKV<number>, prefix: string): Work {
  const outcomes = new Map<number, WriteOutcome>();
  const rejects: string[] = [];
  const open = new Set<Promise<void>>();
  store.on("reject", ({ error }) => rejects.push(error.kind));
  let count = 0;
  const timer = setInterval(() => {
    count += 1;
    const value = count;
    const settled = store
      .set(`${prefix}${value % 10}`, value)
      .settled()
      .then((outcome) => {
        outcomes.set(value, outcome);
        open.delete(settled);
      });
    open.add(settled);
  }, 5);
  return {
    outcomes,
    rejects,
    confirmed: () => [...outcomes.values()].filter(({ status }) => status === "confirmed").length,
    stop: async () => {
      clearInterval(timer);
      await Promise.all(open);
    },
  };
}

/** The work went on after something went wrong. */
export async function untilMoreIsConfirmed(work: Work, timeoutMs = 20_000): Promise<void> {
  const before = work.confirmed();
  await eventually(() => expect(work.confirmed()).toBeGreaterThan(before + 20), { timeoutMs });
}

/** Every key of the work shows its last value everywhere, or a later one whose outcome is not known. */
export async function expectKept(
  work: Work,
  prefix: string,
  stores: readonly DKV<number>[],
): Promise<void> {
  const statuses = new Set([...work.outcomes.values()].map(({ status }) => status));
  expect(statuses.has("rejected") || statuses.has("discarded")).toBe(false);
  const newest = new Map<string, number>();
  for (const [value, { status }] of work.outcomes) {
    const key = `${prefix}${value % 10}`;
    if (status === "confirmed") newest.set(key, Math.max(value, newest.get(key) ?? 0));
  }
  expect(newest.size).toBe(10);
  await eventually(() => {
    for (const [key, value] of newest) {
      const shown = stores.map((store) => store.get(key));
      expect(new Set(shown).size, `${key} is the same everywhere`).toBe(1);
      expect(shown[0]).toBeGreaterThanOrEqual(value);
      const isUnknown = work.outcomes.get(shown[0] ?? 0)?.status === "outcome-unknown";
      if (!isUnknown) expect(shown[0]).toBe(value);
    }
  });
}
