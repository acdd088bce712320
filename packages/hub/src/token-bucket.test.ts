import fc from "fast-check";
import { expect, it } from "vitest";
import { TokenBucket } from "./token-bucket.ts";

it("lets a burst through, then no more than the rate, and forgives after a quiet time", () => {
  const bucket = new TokenBucket(10, 0);
  const letThrough = (count: number, nowMs: number): number => {
    let passed = 0;
    for (let at = 0; at < count; at += 1) {
      if (!bucket.isOpen(nowMs)) continue;
      bucket.spend(1);
      passed += 1;
    }
    return passed;
  };
  expect(letThrough(100, 0)).toBe(20);
  expect(letThrough(100, 500)).toBe(5);
  expect(letThrough(100, 60_000)).toBe(20);
});

it("over any time lets no more through than the rate, one burst and one message", () => {
  const steps = fc.array(
    fc.record({ waitMs: fc.nat(2_000), cost: fc.integer({ min: 1, max: 50 }) }),
  );
  fc.assert(
    fc.property(steps, fc.integer({ min: 1, max: 100 }), (messages, rate) => {
      const bucket = new TokenBucket(rate, 0);
      let now = 0;
      let spent = 0;
      for (const { waitMs, cost } of messages) {
        now += waitMs;
        if (!bucket.isOpen(now)) continue;
        bucket.spend(cost);
        spent += cost;
        expect(spent).toBeLessThanOrEqual(rate * 2 + (now * rate) / 1_000 + 50);
      }
    }),
  );
});

it("of rate 0 has no limit", () => {
  const bucket = new TokenBucket(0, 0);
  bucket.spend(1e9);
  expect(bucket.isOpen(0)).toBe(true);
});
