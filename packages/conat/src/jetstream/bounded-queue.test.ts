import { describe, expect, it } from "vitest";
import { BoundedQueue } from "./bounded-queue.ts";
import { Limiter } from "./limiter.ts";

describe("a bounded queue", () => {
  it("keeps order and counts over thousands of items that come and go", () => {
    const queue = new BoundedQueue<{ bytes: number; at: number }>(5_000, 1_000_000);
    const out: number[] = [];
    for (let at = 0; at < 20_000; at += 1) {
      queue.push({ bytes: 1, at });
      if (at % 3 > 0) out.push(queue.shift()?.at ?? -1);
    }
    expect(queue.length).toBe(20_000 - out.length);
    out.push(...queue.takeAll().map(({ at }) => at));
    expect(out).toEqual(Array.from({ length: 20_000 }, (_, at) => at));
    expect(queue.shift()).toBeUndefined();
  });

  it("is full by number or by bytes, but never for the only item", () => {
    const queue = new BoundedQueue<{ bytes: number }>(2, 100);
    expect(queue.isFullFor(1_000)).toBe(false);
    queue.push({ bytes: 60 });
    expect(queue.isFullFor(40)).toBe(false);
    expect(queue.isFullFor(41)).toBe(true);
    queue.push({ bytes: 1 });
    expect(queue.isFullFor(0)).toBe(true);
    queue.shift();
    expect(queue.isFullFor(99)).toBe(false);
  });
});

describe("a limiter", () => {
  it("runs no more than it may at once, all in the end, and is then idle", async () => {
    const limiter = new Limiter(3);
    let running = 0;
    let most = 0;
    const tasks = Array.from({ length: 20 }, (_, at) =>
      limiter.run(async () => {
        running += 1;
        most = Math.max(most, running);
        await new Promise(setImmediate);
        running -= 1;
        if (at % 4 === 0) throw new Error("fails");
        return at;
      }),
    );
    const settled = await Promise.allSettled(tasks);
    expect(settled.filter(({ status }) => status === "rejected")).toHaveLength(5);
    expect(most).toBe(3);
    await limiter.idle();
    expect(limiter.size).toBe(0);
  });
});
