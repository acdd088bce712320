import type { Findings, Run } from "./check.ts";

/** Every update that was acknowledged counts once, one whose outcome is not known at most once, and nothing else does. */
export function checkCounters({ histories, evidence }: Run): Findings {
  const problems: string[] = [];
  const certain = new Map<string, number>();
  const perhaps = new Map<string, number>();
  let unsettled = 0;
  for (const { events, killedAt } of histories) {
    const kinds = new Map<number, string | undefined>();
    for (const event of events) if (event.type === "updated") kinds.set(event.n, event.kind);
    for (const event of events) {
      if (event.type !== "update") continue;
      const kind = kinds.get(event.n);
      if (!kinds.has(event.n) && killedAt === undefined) unsettled += 1;
      // Every other failure says that nothing was stored.
      const isUnknown = !kinds.has(event.n) || kind === "outcome-unknown" || kind === "timeout";
      const into = isUnknown ? perhaps : kind === undefined ? certain : undefined;
      into?.set(event.key, (into.get(event.key) ?? 0) + 1);
    }
  }
  const stored = new Map<string, number>();
  for (const { store, key, value } of evidence.bucket) {
    if (store === "counter") stored.set(key, typeof value === "number" ? value : Number.NaN);
  }
  for (const key of new Set([...certain.keys(), ...perhaps.keys(), ...stored.keys()])) {
    const least = certain.get(key) ?? 0;
    const most = least + (perhaps.get(key) ?? 0);
    const value = stored.get(key) ?? 0;
    if (value >= least && value <= most) continue;
    problems.push(`${key} is ${value} and must be from ${least} to ${most}`);
  }
  if (unsettled > 0) problems.push(`${unsettled} updates have not ended`);
  return {
    problems,
    figures: {
      "updates acknowledged": total(certain),
      "updates of unknown outcome": total(perhaps),
      "sum of the counters": total(stored),
    },
  };
}

function total(counts: ReadonlyMap<string, number>): number {
  return [...counts.values()].reduce((sum, count) => sum + count, 0);
}
