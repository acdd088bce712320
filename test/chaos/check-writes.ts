import { isDeepStrictEqual } from "node:util";
import type { Findings, Run } from "./check.ts";
import type { StoredFact } from "./evidence.ts";
import { EPHEMERAL, type HistoryEvent, type StoreName, UNIQUE_VALUES } from "./history.ts";

type Intent = Extract<HistoryEvent, { type: "intent" }>;
type End = Extract<HistoryEvent, { type: "end" }>;

/** A write with how it ended; without an end its client was killed, or it hangs. */
interface Write {
  readonly client: string;
  readonly intent: Intent;
  readonly end: End | undefined;
}

/**
 * Acknowledged writes are there under their sequence, refused ones are not, none is there twice, and every one has ended.
 */
export function checkWrites({ histories, evidence }: Run): Findings {
  const problems: string[] = [];
  const counts = { confirmed: 0, superseded: 0, rejected: 0, discarded: 0, "outcome-unknown": 0 };
  let interrupted = 0;
  let unsettled = 0;
  let lost = 0;
  let unproven = 0;
  const newest = newestOf(evidence.bucket);
  const stored = storedValues(evidence.facts.values());
  const writes: Write[] = [];
  for (const { client, events, killedAt } of histories) {
    const ends = new Map<number, End>();
    for (const event of events) {
      if (event.type !== "end") continue;
      if (ends.has(event.n)) problems.push(`${client} #${event.n} ended twice`);
      ends.set(event.n, event);
    }
    for (const intent of events) {
      if (intent.type !== "intent") continue;
      const end = ends.get(intent.n);
      writes.push({ client, intent, end });
      if (end !== undefined) counts[end.status] += 1;
      else if (killedAt !== undefined) interrupted += 1;
      else unsettled += 1;
    }
  }
  for (const { client, intent, end } of writes) {
    const { store, key, value, n } = intent;
    const name = `${client} #${n} (${store} ${key})`;
    if (end === undefined || EPHEMERAL.includes(store)) continue;
    if (end.status === "confirmed" && end.seq !== undefined) {
      const fact = evidence.facts.get(end.seq);
      const isThere =
        fact?.store === store &&
        fact.key === key &&
        // A merge may have stored more than what was asked for.
        (store === "set" || isDeepStrictEqual(fact.value, value));
      const newestSeq = newest.get(`${store} ${key}`)?.seq ?? 0;
      if (fact === undefined && newestSeq > end.seq) unproven += 1;
      else if (!isThere || newestSeq < end.seq) {
        lost += 1;
        problems.push(`${name} was acknowledged at ${end.seq} and is lost`);
      }
    }
    const isRefused = end.status === "rejected" || end.status === "superseded";
    if (
      isRefused &&
      UNIQUE_VALUES.includes(store) &&
      value !== null &&
      stored.has(`${store} ${value}`)
    ) {
      problems.push(`${name} ended as ${end.status} and is stored`);
    }
    if (end.status === "rejected") problems.push(`${name} was rejected: ${end.kind}`);
  }
  const twice = storedTwice(evidence.facts.values());
  problems.push(...twice.map((id) => `${id} is stored twice`));
  if (unsettled > 0) problems.push(`${unsettled} writes have not ended`);
  const { copied, uncopied } = evidence;
  if (uncopied.length > 0) {
    const which = uncopied.map(({ store, key, seq }) => `${store} ${key} at ${seq}`).join(", ");
    problems.push(`the stream that sources the bucket lacks ${uncopied.length} messages: ${which}`);
  }
  return {
    problems,
    figures: {
      writes: writes.length,
      confirmed: counts.confirmed,
      superseded: counts.superseded,
      rejected: counts.rejected,
      "outcome unknown": counts["outcome-unknown"],
      "cut short by a killed client": interrupted,
      "not settled": unsettled,
      "acknowledged and lost": lost,
      "acknowledged, overwritten before any witness saw it": unproven,
      "stored twice": twice.length,
      "messages stored": evidence.lastSeq,
      "messages in the stream that sources the bucket": copied,
      "messages no witness saw": evidence.unseen,
    },
  };
}

function newestOf(bucket: readonly StoredFact[]): Map<string, StoredFact> {
  return new Map(bucket.map((fact) => [`${fact.store} ${fact.key}`, fact]));
}

function storedValues(facts: Iterable<StoredFact>): Set<string> {
  return new Set(Array.from(facts, ({ store, value }) => `${store} ${value}`));
}

/** Ids of writes, and values of which there should be one each, that are stored more than once. */
function storedTwice(facts: Iterable<StoredFact>): string[] {
  const seen = new Set<string>();
  const twice: string[] = [];
  for (const { store, id, value } of facts) {
    const isUnique = isUniqueValue(store, value);
    const marks = [
      ...(id === "" ? [] : [`write ${id}`]),
      ...(isUnique ? [`${store} ${value}`] : []),
    ];
    for (const mark of marks) {
      if (seen.has(mark)) twice.push(mark);
      seen.add(mark);
    }
  }
  return twice;
}

function isUniqueValue(store: StoreName, value: unknown): boolean {
  return UNIQUE_VALUES.includes(store) && value !== null;
}
