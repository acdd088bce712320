import { expect, it } from "vitest";
import { Durations, formatDurations } from "./durations.ts";

it("counts each duration in every bucket that it fits into", () => {
  const writes = new Durations();
  for (const seconds of [0.0005, 0.0006, 2, 16]) writes.note(seconds);
  const lines = formatDurations("d", "How long", new Map([["write", writes]])).split("\n");
  expect(lines.slice(0, 2)).toEqual(["# HELP d How long", "# TYPE d histogram"]);
  expect(lines).toContain('d_bucket{le="0.0005",operation="write"} 1');
  expect(lines).toContain('d_bucket{le="0.001",operation="write"} 2');
  expect(lines).toContain('d_bucket{le="1",operation="write"} 2');
  expect(lines).toContain('d_bucket{le="5",operation="write"} 3');
  expect(lines).toContain('d_bucket{le="15",operation="write"} 3');
  expect(lines).toContain('d_bucket{le="+Inf",operation="write"} 4');
  expect(lines).toContain('d_sum{operation="write"} 18.0011');
  expect(lines).toContain('d_count{operation="write"} 4');
});
