import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { createThrottle } from "./throttle.ts";

describe("throttled messages", () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it("go out at once when there was a pause, at most one per interval, and the last always", () => {
    const sent: number[] = [];
    const throttled = createThrottle<number>(
      50,
      (value) => sent.push(value),
      () => {},
    );
    throttled(1);
    expect(sent).toEqual([1]);
    for (const value of [2, 3, 4]) throttled(value);
    vi.advanceTimersByTime(50);
    expect(sent).toEqual([1, 4]);
    throttled(5);
    expect(sent).toEqual([1, 4]);
    vi.advanceTimersByTime(500);
    expect(sent).toEqual([1, 4, 5]);
    throttled(6);
    expect(sent).toEqual([1, 4, 5, 6]);
  });

  it("are not delayed without an interval", () => {
    const sent: number[] = [];
    const throttled = createThrottle<number>(
      0,
      (value) => sent.push(value),
      () => {},
    );
    for (const value of [1, 2, 3]) throttled(value);
    expect(sent).toEqual([1, 2, 3]);
    expect(vi.getTimerCount()).toBe(0);
  });

  it("throw to the caller what sending throws, and report what a late one throws", () => {
    const errors: unknown[] = [];
    let broken = false;
    const throttled = createThrottle<number>(
      50,
      () => {
        if (broken) throw new Error("broken");
      },
      (error) => errors.push(error),
    );
    throttled(1);
    throttled(2);
    broken = true;
    vi.advanceTimersByTime(50);
    expect(errors).toEqual([new Error("broken")]);
    expect(() => throttled(3)).toThrow("broken");
  });
});
