import * as z from "zod";

/** The stores of a run, each for one kind of work. */
export const STORES = ["own", "shared", "counter", "set", "short", "presence", "alive"] as const;
export type StoreName = (typeof STORES)[number];

/** Kept in memory: gone when the only server is. */
export const EPHEMERAL: readonly StoreName[] = ["presence"];

/** Each client has a key of its own name in it, which lasts as long as the client and is renewed by its hub. */
export const ALIVE: StoreName = "alive";

/** Stores in which every write has a value that no other write has. */
export const UNIQUE_VALUES: readonly StoreName[] = ["own", "shared", "short", "presence"];

export const OUTCOMES = [
  "confirmed",
  "superseded",
  "rejected",
  "discarded",
  "outcome-unknown",
] as const;

const store = z.enum(STORES);

/** One line of a client's log. */
export const historyEvent = z.discriminatedUnion("type", [
  /** Is about to write; `value` is null for a delete. */
  z.object({
    type: z.literal("intent"),
    n: z.number(),
    store,
    key: z.string(),
    value: z.unknown(),
  }),
  /** How a write ended. */
  z.object({
    type: z.literal("end"),
    n: z.number(),
    status: z.enum(OUTCOMES),
    seq: z.number().optional(),
    kind: z.string().optional(),
  }),
  /** Is about to add one to a counter. */
  z.object({ type: z.literal("update"), n: z.number(), store, key: z.string() }),
  /** How that ended: without a kind it is stored. */
  z.object({ type: z.literal("updated"), n: z.number(), kind: z.string().optional() }),
  z.object({
    type: z.literal("change"),
    store,
    key: z.string(),
    seq: z.number(),
    /** Null when the key was removed. */
    value: z.unknown(),
    own: z.boolean(),
  }),
  z.object({ type: z.literal("error"), store, kind: z.string(), message: z.string() }),
  /** The client itself saw a promise broken. */
  z.object({ type: z.literal("flaw"), what: z.string() }),
]);
export type HistoryEvent = z.infer<typeof historyEvent>;

/** Everything that one client wrote down. */
export interface History {
  readonly client: string;
  readonly events: readonly HistoryEvent[];
  /** When it was killed, by the clock: what it had not heard the end of by then nobody can know. */
  readonly killedAt: number | undefined;
}

const stored = z.object({ value: z.unknown(), seq: z.number() });

/** What a store holds: of every key the value, and the sequence it is stored under. */
export const dump = z.record(store, z.record(z.string(), stored));
export type Dump = z.infer<typeof dump>;

export function emptyDump(): Dump {
  return { own: {}, shared: {}, counter: {}, set: {}, short: {}, presence: {}, alive: {} };
}

/** The events of a log file. A line that a kill cut off is no event. */
export function parseHistory(text: string): HistoryEvent[] {
  const lines = text.split("\n");
  lines.pop();
  return lines.map((line) => historyEvent.parse(JSON.parse(line)));
}
