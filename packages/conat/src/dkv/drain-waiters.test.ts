import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { ConatError } from "../protocol/conat-error.ts";
import { DrainWaiters } from "./drain-waiters.ts";

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  vi.useRealTimers();
});

function outcome(promise: Promise<void>): Promise<unknown> {
  return promise.then(
    () => "done",
    (error: unknown) => error,
  );
}

describe("waiting until writes have ended", () => {
  it("ends with the last of them, whatever was written since", async () => {
    const waiters = new DrainWaiters();
    const first = outcome(waiters.wait(2, 2, 1_000));
    const second = outcome(waiters.wait(3, 3, 1_000));
    waiters.ended(2);
    waiters.ended(1);
    expect(await first).toBe("done");
    const refused = new ConatError("forbidden", "no");
    waiters.failed(3, refused);
    waiters.ended(3);
    expect(await second).toBe(refused);
  });

  it("ends at the deadline of each, whichever came first", async () => {
    const waiters = new DrainWaiters();
    const ends: string[] = [];
    const note = (name: string, timeoutMs: number): void => {
      void outcome(waiters.wait(1, 1, timeoutMs)).then((end) => ends.push(`${name}: ${end}`));
    };
    note("long", 300);
    note("short", 100);
    note("middle", 200);
    await vi.advanceTimersByTimeAsync(99);
    expect(ends).toEqual([]);
    await vi.advanceTimersByTimeAsync(1);
    expect(ends).toEqual([
      "short: ConatError: 1 writes were not acknowledged within 100 ms; they go on",
    ]);
    await vi.advanceTimersByTimeAsync(100);
    expect(ends.at(-1)).toContain("middle");
    await vi.advanceTimersByTimeAsync(100);
    expect(ends.at(-1)).toContain("long");
    expect(vi.getTimerCount()).toBe(0);
  });

  it("keeps one timer for any number, and none when it is closed", async () => {
    const waiters = new DrainWaiters();
    for (let id = 1; id <= 100; id += 1) {
      const end = outcome(waiters.wait(id, 1, 1_000));
      waiters.ended(id);
      expect(await end).toBe("done");
      expect(vi.getTimerCount()).toBe(1);
    }
    waiters.close();
    expect(vi.getTimerCount()).toBe(0);
  });

  it("begins anew when the timer goes off for those who are long done", async () => {
    const waiters = new DrainWaiters();
    const done = outcome(waiters.wait(1, 1, 100));
    waiters.ended(1);
    expect(await done).toBe("done");
    await vi.advanceTimersByTimeAsync(50);
    const late = outcome(waiters.wait(2, 1, 100));
    await vi.advanceTimersByTimeAsync(99);
    expect(vi.getTimerCount()).toBe(1);
    await vi.advanceTimersByTimeAsync(1);
    expect(await late).toMatchObject({ kind: "timeout" });
  });
});
