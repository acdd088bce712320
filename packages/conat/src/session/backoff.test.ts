import { describe, expect, it } from "vitest";
import { backoffMs, RETRY_BASE_MS, RETRY_CAP_MS } from "./backoff.ts";

const ALMOST_ONE = 1 - 2 ** -53;

describe("the wait before the next attempt", () => {
  it("is nothing after the first failure", () => {
    expect(backoffMs(0, ALMOST_ONE)).toBe(0);
  });

  it("is at most a bound that doubles up to the cap", () => {
    const bounds = [1, 2, 3, 4, 5, 6, 7, 8].map((failures) => backoffMs(failures, ALMOST_ONE));
    expect(bounds).toEqual([250, 500, 1_000, 2_000, 4_000, 8_000, RETRY_CAP_MS, RETRY_CAP_MS]);
    expect(backoffMs(Number.POSITIVE_INFINITY, ALMOST_ONE)).toBe(RETRY_CAP_MS);
  });

  it("is spread over the whole range below the bound", () => {
    expect(backoffMs(3, 0)).toBe(0);
    expect(backoffMs(3, 0.25)).toBe(RETRY_BASE_MS);
    expect(backoffMs(3, 0.5)).toBe(2 * RETRY_BASE_MS);
  });
});
