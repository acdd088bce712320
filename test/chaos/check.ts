import { isDeepStrictEqual } from "node:util";
import { checkAlive } from "./check-alive.ts";
import { checkCounters } from "./check-counters.ts";
import { checkSet } from "./check-set.ts";
import { checkWrites } from "./check-writes.ts";
import type { Evidence } from "./evidence.ts";
import { ALIVE, type Dump, EPHEMERAL, type History } from "./history.ts";

export interface Findings {
  /** What must not be; empty when every promise held. */
  readonly problems: readonly string[];
  /** Figures to print. */
  readonly figures: Readonly<Record<string, number | string>>;
}

export interface Run {
  readonly histories: readonly History[];
  readonly evidence: Evidence;
  /** What each client that is left shows in the end. */
  readonly dumps: ReadonlyMap<string, Dump>;
  /** Memory may have vanished with a server. */
  readonly losesMemory: boolean;
}

/** Holds what clients wrote down against what servers have stored. */
export function check(run: Run): Findings {
  const parts = [
    checkWrites(run),
    checkCounters(run),
    checkSet(run),
    checkAlive(run),
    checkOrder(run),
    checkEqual(run),
    checkClients(run),
  ];
  return {
    problems: parts.flatMap(({ problems }) => problems),
    figures: Object.assign({}, ...parts.map(({ figures }) => figures)),
  };
}

/** Versions of a key are told in the order they were stored. */
function checkOrder({ histories, losesMemory }: Run): Findings {
  const problems: string[] = [];
  let changes = 0;
  for (const { client, events } of histories) {
    const newest = new Map<string, number>();
    for (const event of events) {
      if (event.type !== "change") continue;
      changes += 1;
      const { store, key, seq } = event;
      const slot = `${store} ${key}`;
      const before = newest.get(slot) ?? 0;
      // Sequences of a store whose memory was lost begin again.
      const begins = losesMemory && EPHEMERAL.includes(store);
      if (seq <= before && !begins) {
        problems.push(`${client} was told ${slot} at ${seq} after it had been told ${before}`);
      }
      newest.set(slot, seq);
    }
  }
  return { problems, figures: { "change events": changes, "out of order": problems.length } };
}

/** Everybody shows in the end what is stored. */
function checkEqual({ dumps, evidence }: Run): Findings {
  const problems = [...dumps].flatMap(([client, dump]) =>
    differences(dump, evidence).map((difference) => `${client}: ${difference}`),
  );
  return { problems, figures: { "keys that differ in the end": problems.length } };
}

/** Where a dump is not what is stored. */
export function differences(dump: Dump, { bucket }: Pick<Evidence, "bucket">): string[] {
  const missing = new Map<string, unknown>();
  for (const [store, entries] of Object.entries(dump)) {
    for (const [key, { seq }] of Object.entries(entries)) missing.set(`${store} ${key}`, seq);
  }
  const found: string[] = [];
  for (const { store, key, seq, value } of bucket) {
    const shown = dump[store][key];
    missing.delete(`${store} ${key}`);
    const isSame =
      value === null
        ? shown === undefined
        : // What is renewed all the time is shown as it was a moment ago.
          (shown?.seq === seq || store === ALIVE) && isDeepStrictEqual(shown?.value, value);
    if (isSame) continue;
    found.push(
      `${store} ${key} is ${JSON.stringify(value)} at ${seq} and shows ${JSON.stringify(shown)}`,
    );
  }
  return [...found, ...Array.from(missing.keys(), (slot) => `${slot} is not stored and shows`)];
}

/** What clients themselves saw going wrong. */
function checkClients({ histories }: Run): Findings {
  const errors = new Map<string, number>();
  const problems: string[] = [];
  for (const { client, events } of histories) {
    for (const event of events) {
      if (event.type === "flaw") problems.push(`${client}: ${event.what}`);
      if (event.type !== "error") continue;
      errors.set(event.kind, (errors.get(event.kind) ?? 0) + 1);
      if (event.kind === "epoch-lost" && EPHEMERAL.includes(event.store)) continue;
      problems.push(`${client}: ${event.store}: ${event.kind}: ${event.message}`);
    }
  }
  return {
    problems,
    figures: {
      "flaws seen by clients": problems.length,
      "lost with a server's memory": errors.get("epoch-lost") ?? 0,
    },
  };
}
