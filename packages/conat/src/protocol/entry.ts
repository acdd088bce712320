/** Headers an application attached to an entry. Names are case-sensitive and never start with `Nats-` or `Conat-`. */
export type EntryHeaders = Readonly<Record<string, string>>;

/** Headers from the JSON that they are stored and sent as; `undefined` when it is not an object of strings. */
export function parseHeaders(json: string): EntryHeaders | undefined {
  let parsed: unknown;
  try {
    parsed = JSON.parse(json);
  } catch {
    return undefined;
  }
  if (typeof parsed !== "object" || parsed === null) return undefined;
  const headers: Record<string, string> = Object.create(null);
  for (const [name, value] of Object.entries(parsed)) {
    if (typeof value !== "string") return undefined;
    headers[name] = value;
  }
  return headers;
}

/**
 * What an entry does to its key: `put` stores a value; every other kind removes it.
 * `delete`: somebody deleted it. `expiry`: its TTL ran out. `withdrawn`: the reader may no longer see it.
 * `floor`: the whole store was destroyed below this sequence.
 */
export type EntryKind = "put" | "delete" | "expiry" | "withdrawn" | "floor";

/** {@link EntryKind} by its number on the wire. */
export const ENTRY_KINDS: readonly EntryKind[] = ["put", "delete", "expiry", "withdrawn", "floor"];

/**
 * One confirmed fact about a key. The value is a view (`start`, `end`) into `buffer`, which many entries of
 * one block share, so that a store of 100,000 keys does not hold 100,000 typed arrays.
 */
export interface Entry {
  readonly key: string;
  /** JetStream stream sequence: the version of the key. Rises for ever, also across delete and re-create. */
  readonly seq: number;
  /** Server time at which the entry was stored, in milliseconds since the epoch. */
  readonly time: number;
  readonly kind: EntryKind;
  /** Who wrote it: the origin of the session, or "" when it was not written by conat. */
  readonly origin: string;
  /** The writer's own number for this write, unique within the origin; 0 when there is none. */
  readonly write: number;
  readonly buffer: Uint8Array;
  readonly start: number;
  readonly end: number;
  /** Lifetime the writer asked for, in milliseconds from `time`; 0 when it lives until deleted. */
  readonly ttlMs: number;
  readonly headers: EntryHeaders | undefined;
}

const EMPTY = new Uint8Array(0);

export interface EntryFields {
  readonly key: string;
  readonly seq: number;
  readonly time: number;
  readonly kind?: EntryKind;
  readonly origin?: string;
  readonly write?: number;
  readonly value?: Uint8Array;
  readonly ttlMs?: number;
  readonly headers?: EntryHeaders | undefined;
}

/** An entry over a value of its own. */
export function createEntry(fields: EntryFields): Entry {
  const buffer = fields.value ?? EMPTY;
  return {
    key: fields.key,
    seq: fields.seq,
    time: fields.time,
    kind: fields.kind ?? "put",
    origin: fields.origin ?? "",
    write: fields.write ?? 0,
    buffer,
    start: 0,
    end: buffer.length,
    ttlMs: fields.ttlMs ?? 0,
    headers: fields.headers,
  };
}

/** The stored bytes of the entry's value: a view, not a copy. */
export function valueBytes(entry: Entry): Uint8Array {
  return entry.start === 0 && entry.end === entry.buffer.length
    ? entry.buffer
    : entry.buffer.subarray(entry.start, entry.end);
}
