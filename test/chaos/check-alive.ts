import type { Findings, Run } from "./check.ts";
import type { StoredFact } from "./evidence.ts";
import { ALIVE, type HistoryEvent } from "./history.ts";

/**
 * How long the key of a client may outlive it, in milliseconds: until its hub notices (3 s) and the grace is over (2 s);
 * where that hub is in trouble too, the lifetime (10 s); and a server that is to end it may be away for 20 s, and have
 * to be elected.
 */
export const OUTLIVES_MS = 45_000;

/** Clients whose key is there. */
export function aliveIn(bucket: readonly StoredFact[]): ReadonlySet<string> {
  const alive = bucket.filter(({ store, value }) => store === ALIVE && value !== null);
  return new Set(alive.map(({ key }) => key));
}

/** What is set until its writer disconnects is there while the writer is, and goes soon after it. */
export function checkAlive({ histories, evidence }: Run): Findings {
  const problems: string[] = [];
  const alive = aliveIn(evidence.bucket);
  let ended = 0;
  let longestMs = 0;
  for (const { client, events, killedAt } of histories) {
    if (killedAt === undefined) {
      if (hasSet(events) && !alive.has(client)) problems.push(`${client} is there, its key is not`);
      continue;
    }
    if (alive.has(client)) problems.push(`${client} was killed, and its key is there`);
    const last = evidence.bucket.find(({ store, key }) => store === ALIVE && key === client);
    if (last?.value !== null) continue;
    ended += 1;
    const outlivedMs = Math.round(last.time - killedAt);
    longestMs = Math.max(longestMs, outlivedMs);
    if (outlivedMs > OUTLIVES_MS) {
      problems.push(`the key of ${client} was there for ${outlivedMs} ms after it was killed`);
    }
  }
  return {
    problems,
    figures: {
      "keys that ended with their client": ended,
      "longest that one outlived its client, ms": longestMs,
    },
  };
}

function hasSet(events: readonly HistoryEvent[]): boolean {
  const own = new Set<number>();
  return events.some((event) => {
    if (event.type === "intent" && event.store === ALIVE) own.add(event.n);
    return event.type === "end" && event.status === "confirmed" && own.has(event.n);
  });
}
