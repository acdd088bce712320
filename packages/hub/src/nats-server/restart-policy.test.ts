import { expect, it } from "vitest";
import { MAX_RESTARTS_IN_A_ROW, restartDelayMs } from "./restart-policy.ts";

it("restarts at once after one crash, then ever more slowly, up to a bound", () => {
  const delays = Array.from({ length: MAX_RESTARTS_IN_A_ROW }, (_, index) =>
    restartDelayMs(index + 1),
  );
  expect(delays.slice(0, 4)).toEqual([50, 100, 200, 400]);
  expect(delays.at(-1)).toBe(5_000);
  expect(delays).toEqual([...delays].sort((a, b) => a - b));
});
