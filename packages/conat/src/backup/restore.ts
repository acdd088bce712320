import { createReadStream } from "node:fs";
import { createInterface } from "node:readline";
import { createGunzip } from "node:zlib";
import type { JetstreamSession } from "../jetstream/index.ts";
import { ConatError } from "../protocol/conat-error.ts";
import { valueBytes } from "../protocol/entry.ts";
import type { Mutation, WriteResult } from "../session/session.ts";
import { type BackedUp, parseEnd, parseEntry, parseStart } from "./backup-line.ts";
import { Contents } from "./contents.ts";

export interface RestoreOptions {
  /** Leave what is there and the backup does not have. @default false: it is removed */
  readonly keep?: boolean | undefined;
}

/** What restoring would do, or has done. */
export interface RestorePlan {
  /** When the backup was begun, in milliseconds since the epoch. */
  readonly time: number;
  /** Keys to write, because they are missing or have another value. */
  readonly writes: readonly BackedUp[];
  /** Keys to remove, because the backup does not have them. */
  readonly removals: readonly BackedUp[];
  /** Keys that are as in the backup. */
  readonly unchanged: number;
}

/** Writes under way at the same time. */
const WINDOW_WRITES = 1_000;

/** Attempts of one write before restoring fails. */
const MAX_ATTEMPTS = 10;

/**
 * Compares a backup with what is stored.
 * @throws ConatError `bad-request` when the file is no complete backup, `unavailable`, `timeout`
 */
export async function planRestore(
  session: JetstreamSession,
  path: string,
  { keep = false }: RestoreOptions = {},
): Promise<RestorePlan> {
  const backup = await readBackup(path);
  const current = new Contents();
  await session.readEverything(({ store, entry }) => {
    const { kind, time, ttlMs, headers } = entry;
    const key = kind === "floor" ? undefined : entry.key;
    const value = kind === "put" ? valueBytes(entry) : undefined;
    current.apply({ store, key, value, time, ttlMs, headers });
  });
  const now = session.serverTime();
  const writes: BackedUp[] = [];
  let unchanged = 0;
  for (const entry of backup.contents) {
    const hasExpired = entry.ttlMs > 0 && entry.time + entry.ttlMs <= now;
    // Signs of life of hubs that may not be there any more.
    const isSignOfLife = entry.ttlMs > 0 && isOfHubs(entry);
    if (hasExpired || isSignOfLife) continue;
    const stored = current.get(entry);
    if (stored && (isOfHubs(entry) || isSame(stored, entry))) unchanged += 1;
    else writes.push(entry);
  }
  const removals: BackedUp[] = [];
  for (const entry of keep ? [] : current) {
    if (!isOfHubs(entry) && backup.contents.get(entry) === undefined) removals.push(entry);
  }
  return { time: backup.time, writes, removals, unchanged };
}

/**
 * Does what a plan says, by ordinary writes: the system may run, and everybody sees the changes as they are made.
 * @throws ConatError the first write that could not be stored; what was written stays
 */
export async function carryOutRestore(
  session: JetstreamSession,
  { writes, removals }: RestorePlan,
): Promise<void> {
  const work = [...writes, ...removals.map((entry) => ({ ...entry, value: undefined }))].values();
  const lane = async (): Promise<void> => {
    for (const entry of work) await write(session, entry);
  };
  await Promise.all(Array.from({ length: WINDOW_WRITES }, lane));
}

async function readBackup(path: string): Promise<{ time: number; contents: Contents }> {
  const contents = new Contents();
  let time: number | undefined;
  let count = 0;
  let isComplete = false;
  const input = createReadStream(path);
  const text = input.pipe(createGunzip());
  input.on("error", (error) => text.destroy(error));
  try {
    for await (const line of createInterface({ input: text })) {
      if (time === undefined) {
        time = parseStart(line).time;
        continue;
      }
      const end = parseEnd(line);
      if (end === undefined) {
        contents.apply(parseEntry(line));
        count += 1;
      } else {
        isComplete = end === count;
      }
    }
  } catch (error) {
    if (error instanceof ConatError) throw error;
    const why = error instanceof Error ? error.message : String(error);
    throw new ConatError("bad-request", `${path} is no backup that can be read: ${why}`);
  }
  if (time !== undefined && isComplete) return { time, contents };
  throw new ConatError("bad-request", `${path} is cut short: take another backup`);
}

/** What hubs know of each other and of revoked tokens: nothing of it is undone, however old the backup. */
function isOfHubs({ store }: BackedUp): boolean {
  return store.scope.kind === "hub";
}

function isSame(one: BackedUp, other: BackedUp): boolean {
  return (
    Buffer.compare(one.value ?? EMPTY, other.value ?? EMPTY) === 0 &&
    one.ttlMs === other.ttlMs &&
    JSON.stringify(one.headers) === JSON.stringify(other.headers)
  );
}

const EMPTY = new Uint8Array(0);

/** What is left of a lifetime that began when the entry was stored. */
function remainingMs({ ttlMs, time }: BackedUp, now: number): number {
  return ttlMs === 0 ? 0 : Math.max(1, time + ttlMs - now);
}

async function write(session: JetstreamSession, entry: BackedUp): Promise<void> {
  const { store, key, value, headers } = entry;
  if (key === undefined) return;
  const mutation: Mutation = {
    key,
    value,
    origin: session.origin,
    write: session.nextWrite(),
    expectedSeq: undefined,
    ttlMs: value === undefined ? 0 : remainingMs(entry, session.serverTime()),
    headers,
  };
  for (let attempts = 1; ; attempts += 1) {
    const result = await new Promise<WriteResult>((resolve) =>
      session.write(store, [mutation], resolve),
    );
    if (result.ok) return;
    const { kind } = result.error;
    // A write may be sent again as it is: nobody minds if the same value is stored twice.
    const isTransient = kind === "unavailable" || kind === "ambiguous";
    if (!isTransient || attempts === MAX_ATTEMPTS) throw result.error;
    await session.ready();
  }
}
