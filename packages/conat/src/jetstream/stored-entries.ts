import { setTimeout as sleep } from "node:timers/promises";
import { ConatError } from "../protocol/conat-error.ts";
import type { Entry } from "../protocol/entry.ts";
import type { StoreRef } from "../protocol/scope.ts";
import { bucketName, bucketSubjects, decodeStorePath } from "../protocol/subjects.ts";
import type { OpenBucket } from "./buckets.ts";
import { loadWithConsumer } from "./consumer-load.ts";
import { settleValues, toEntry } from "./entry-codec.ts";
import type { ReadyState } from "./feed-host.ts";
import { readHead } from "./leader.ts";
import type { LoadLane } from "./load-lane.ts";
import { LoadRaced } from "./load-raced.ts";
import { readHeaders } from "./message-headers.ts";
import { keyTokenOf, subjectOf } from "./raw-message.ts";

/** An entry, and the store it is in. */
export interface StoredEntry {
  readonly store: StoreRef;
  readonly entry: Entry;
}

/** Reads that raced with writes before that is told as a failure. */
const MAX_RACES = 6;

/** See {@link JetstreamSession.readEverything}. */
export async function readEverything(
  ready: ReadyState,
  lane: LoadLane,
  timeoutMs: number,
  tell: (stored: StoredEntry) => void,
): Promise<number> {
  let foreign = 0;
  for (let index = 0; index < ready.buckets.partitions; index += 1) {
    const bucket = ready.buckets.get(bucketName(false, index));
    if (bucket !== undefined) foreign += await readBucket(ready, bucket, lane, timeoutMs, tell);
  }
  return foreign;
}

async function readBucket(
  ready: ReadyState,
  bucket: OpenBucket,
  lane: LoadLane,
  timeoutMs: number,
  tell: (stored: StoredEntry) => void,
): Promise<number> {
  for (let races = 0; races < MAX_RACES; races += 1) {
    try {
      return await readOnce(ready, bucket, lane, timeoutMs, tell);
    } catch (error) {
      if (!(error instanceof LoadRaced)) throw error;
      await sleep(10 * 2 ** races);
    }
  }
  throw new ConatError("unavailable", `the bucket ${bucket.name} changed all the time`);
}

async function readOnce(
  { connection, signal }: ReadyState,
  bucket: OpenBucket,
  lane: LoadLane,
  timeoutMs: number,
  tell: (stored: StoredEntry) => void,
): Promise<number> {
  const filter = bucketSubjects(bucket.name);
  const reach = await readHead(connection, bucket, filter, timeoutMs);
  let foreign = 0;
  await lane.bulk((on) =>
    loadWithConsumer({
      connection: on.connection,
      idleTimeoutMs: on.idleTimeoutMs,
      signals: [signal, on.signal],
      bucket,
      filter,
      from: 0,
      reach,
      requestTimeoutMs: timeoutMs,
      onStored: (message, { seq, time }) => {
        const headers = readHeaders(message);
        const trueName = headers.store === "" ? undefined : headers.store;
        const path = decodeStorePath(subjectOf(message), trueName);
        const entry = path && toEntry(keyTokenOf(message), seq, time, headers, message);
        if (path === undefined || entry === undefined) {
          // The marker of an expiry does not tell a long name: what it removes has a lifetime anyway.
          if (headers.markerReason === "") foreign += 1;
          return;
        }
        settleValues([entry]);
        tell({ store: { ...path, ephemeral: false, service: "" }, entry });
      },
    }),
  );
  return foreign;
}
