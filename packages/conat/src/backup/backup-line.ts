import * as v from "valibot";
import type { StoredEntry } from "../jetstream/index.ts";
import { ConatError } from "../protocol/conat-error.ts";
import { type EntryHeaders, valueBytes } from "../protocol/entry.ts";
import { parseName, type StoreRef } from "../protocol/scope.ts";

/**
 * A backup is gzipped text, one JSON object per line, that any other program can read: first {@link FileStart}, then an
 * entry per line, removals without a value, and how many that were. Of a key the last line counts.
 */

const VERSION = 1;

const fileStart = v.object({
  "conat-backup": v.literal(VERSION),
  /** When the backup was begun, in milliseconds since the epoch, by the server's clock. */
  time: v.number(),
  partitions: v.number(),
});
export type FileStart = v.InferOutput<typeof fileStart>;

const fileEnd = v.object({ entries: v.number() });

const line = v.object({
  scope: v.picklist(["account", "project", "hub"]),
  id: v.string(),
  store: v.string(),
  /** Absent: the whole store was destroyed, what comes later in the file excepted. */
  key: v.optional(v.string()),
  /** Stored text; what is no text is `bytes` instead, as base64. Neither: the key was removed. */
  value: v.optional(v.string()),
  bytes: v.optional(v.string()),
  /** When it was stored, in milliseconds since the epoch. */
  time: v.number(),
  ttlMs: v.optional(v.number(), 0),
  /** As pairs: a header may have any name. */
  headers: v.optional(v.array(v.tuple([v.string(), v.string()]))),
});

/** One entry of a backup. */
export interface BackedUp {
  readonly store: StoreRef;
  /** `undefined`: the whole store was destroyed. */
  readonly key: string | undefined;
  /** Encoded; `undefined` when the key was removed. */
  readonly value: Uint8Array | undefined;
  readonly time: number;
  readonly ttlMs: number;
  readonly headers: EntryHeaders | undefined;
}

const fromUtf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const toUtf8 = new TextEncoder();

export function formatStart(time: number, partitions: number): string {
  const start: FileStart = { "conat-backup": VERSION, time, partitions };
  return JSON.stringify(start);
}

/** @throws ConatError `bad-request` when the line does not begin a backup that this version knows */
export function parseStart(text: string): FileStart {
  return parse(fileStart, text, "this is no backup, or one of a newer version");
}

export function formatEnd(entries: number): string {
  return JSON.stringify({ entries });
}

/** How many entries the file has, when the line is its end. */
export function parseEnd(text: string): number | undefined {
  const result = v.safeParse(fileEnd, parseJson(text));
  return result.success ? result.output.entries : undefined;
}

export function formatEntry({ store, entry }: StoredEntry): string {
  const { kind, time, ttlMs, headers } = entry;
  const { scope, name } = store;
  return JSON.stringify({
    scope: scope.kind,
    id: scope.id,
    store: name,
    ...(kind === "floor" ? {} : { key: entry.key }),
    ...(kind === "put" ? formatValue(valueBytes(entry)) : {}),
    time,
    ...(ttlMs > 0 ? { ttlMs } : {}),
    ...(headers === undefined ? {} : { headers: Object.entries(headers) }),
  });
}

/** @throws ConatError `bad-request` when the line is no entry */
export function parseEntry(text: string): BackedUp {
  const { scope, id, store, key, value, bytes, time, ttlMs, headers } = parse(
    line,
    text,
    "the backup is damaged",
  );
  const ref = { scope: { kind: scope, id }, name: store, ephemeral: false, service: "" };
  const encoded =
    value === undefined
      ? bytes && new Uint8Array(Buffer.from(bytes, "base64"))
      : toUtf8.encode(value);
  return {
    store: ref,
    key: key === undefined ? undefined : parseName("key", key),
    value: encoded === "" ? new Uint8Array(0) : encoded,
    time,
    ttlMs,
    headers: headers && Object.fromEntries(headers),
  };
}

function formatValue(value: Uint8Array): { value: string } | { bytes: string } {
  try {
    return { value: fromUtf8.decode(value) };
  } catch {
    return { bytes: Buffer.from(value).toString("base64") };
  }
}

function parse<Schema extends v.GenericSchema>(
  schema: Schema,
  text: string,
  problem: string,
): v.InferOutput<Schema> {
  const result = v.safeParse(schema, parseJson(text));
  if (result.success) return result.output;
  throw new ConatError("bad-request", `${problem}: ${result.issues[0].message}`);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
