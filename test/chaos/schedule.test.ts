import { expect, it } from "vitest";
import { slotOf } from "./fault.ts";
import { createSchedule } from "./schedule.ts";

const SIZE = { nodes: 3, hubs: 2, clients: 8, pages: 1 };

it("the same seed makes the same faults, another seed others", () => {
  const faults = createSchedule(7, 60_000, SIZE);
  expect(faults.length).toBeGreaterThan(10);
  expect(createSchedule(7, 60_000, SIZE)).toEqual(faults);
  expect(createSchedule(8, 60_000, SIZE)).not.toEqual(faults);
});

it("every fault is mended before the time is up, and one node at most, or one line between nodes, is in trouble at a time", () => {
  const faults = createSchedule(1, 600_000, SIZE);
  for (const { atMs, forMs } of faults) expect(atMs + forMs).toBeLessThanOrEqual(600_000);
  const nodes = faults.filter(({ fault }) => slotOf(fault) === "nats");
  const targets = new Set(nodes.map(({ fault }) => fault.target));
  expect(targets).toEqual(new Set(["nats", "leader", "route", "routes-of"]));
  for (const [at, act] of nodes.entries()) {
    const next = nodes[at + 1];
    if (next) expect(next.atMs).toBeGreaterThanOrEqual(act.atMs + act.forMs);
  }
});
