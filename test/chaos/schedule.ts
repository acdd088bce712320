import { type Act, type CastSize, type Fault, slotOf } from "./fault.ts";
import { between, createRandom, pick } from "./random.ts";

/** Time for the clients to get going, in milliseconds. */
const WARM_UP_MS = 1_000;

/** Pause between two faults, in milliseconds. */
const GAP_MS = [300, 3_000] as const;

/** How long most faults last, and how long some do: long enough for every deadline to pass. */
const SHORT_MS = [100, 2_500] as const;
const LONG_MS = [5_000, 20_000] as const;
const LONG_SHARE = 0.1;

const TARGETS = ["nats", "hub", "client", "client-line", "hub-line", "leader", "route"] as const;

/** Faults for so long a time, all from the seed. Several may be there at once, but only one of each target. */
export function createSchedule(seed: number, totalMs: number, size: CastSize): Act[] {
  const random = createRandom(seed);
  const busyUntil = new Map<string, number>();
  const acts: Act[] = [];
  let atMs = WARM_UP_MS;
  for (;;) {
    atMs += between(random, ...GAP_MS);
    const [shortest, longest] = random() < LONG_SHARE ? LONG_MS : SHORT_MS;
    const forMs = between(random, shortest, longest);
    const fault = createFault(random, size);
    const endMs = atMs + forMs;
    if (atMs > totalMs) return acts;
    const slot = slotOf(fault);
    if (endMs > totalMs || (busyUntil.get(slot) ?? 0) > atMs) continue;
    busyUntil.set(slot, endMs);
    acts.push({ atMs, forMs, fault });
  }
}

function createFault(random: () => number, { nodes, hubs, clients, pages }: CastSize): Fault {
  const target = pick(random, TARGETS);
  const among = (count: number): number => between(random, 0, count - 1);
  switch (target) {
    case "nats":
      return { kind: pick(random, ["kill", "terminate", "pause"]), target, at: among(nodes) };
    case "hub":
      return { kind: pick(random, ["kill", "terminate", "pause"]), target, at: among(hubs) };
    case "client":
      return { kind: pick(random, ["pause", "pause", "replace"]), target, at: among(clients) };
    case "client-line":
      return { kind: pick(random, ["cut", "stall", "delay"]), target, at: among(clients + pages) };
    case "hub-line":
      return { kind: pick(random, ["cut", "stall", "delay"]), target, at: among(hubs) };
    case "leader":
      if (nodes === 1) return { kind: "kill", target: "nats", at: 0 };
      return { kind: pick(random, ["step-down", "kill"]), target, at: 0 };
    case "route":
      if (nodes === 1) return { kind: "terminate", target: "nats", at: 0 };
      if (random() < 0.5) {
        return { kind: pick(random, ["cut", "stall"]), target: "routes-of", at: among(nodes) };
      }
      return {
        kind: pick(random, ["cut", "stall", "delay", "flap"]),
        target,
        at: among((nodes * (nodes - 1)) / 2),
      };
  }
}

/** One of each fault, for the small cast of every test run: one nats-server, two hubs, four clients, 15 s. */
export const QUICK_SCHEDULE: readonly Act[] = [
  { atMs: 800, forMs: 700, fault: { kind: "cut", target: "client-line", at: 0 } },
  { atMs: 1_200, forMs: 900, fault: { kind: "kill", target: "hub", at: 0 } },
  { atMs: 2_800, forMs: 300, fault: { kind: "kill", target: "nats", at: 0 } },
  { atMs: 4_000, forMs: 2_500, fault: { kind: "stall", target: "client-line", at: 1 } },
  { atMs: 4_300, forMs: 1_200, fault: { kind: "pause", target: "nats", at: 0 } },
  { atMs: 6_000, forMs: 400, fault: { kind: "terminate", target: "hub", at: 1 } },
  { atMs: 7_000, forMs: 1_500, fault: { kind: "pause", target: "client", at: 2 } },
  { atMs: 7_500, forMs: 700, fault: { kind: "cut", target: "hub-line", at: 0 } },
  { atMs: 8_600, forMs: 300, fault: { kind: "terminate", target: "nats", at: 0 } },
  { atMs: 9_500, forMs: 1_500, fault: { kind: "delay", target: "hub-line", at: 1 } },
  { atMs: 10_000, forMs: 0, fault: { kind: "replace", target: "client", at: 1 } },
  { atMs: 10_600, forMs: 1_500, fault: { kind: "stall", target: "hub-line", at: 0 } },
  { atMs: 12_400, forMs: 800, fault: { kind: "pause", target: "hub", at: 1 } },
  { atMs: 13_400, forMs: 300, fault: { kind: "kill", target: "nats", at: 0 } },
  { atMs: 14_200, forMs: 500, fault: { kind: "cut", target: "client-line", at: 3 } },
];
