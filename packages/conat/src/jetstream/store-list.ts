import { setTimeout as sleep } from "node:timers/promises";
import { ConatError } from "../protocol/conat-error.ts";
import type { Scope } from "../protocol/scope.ts";
import { decodeToken, keyToken, scopeFilter, storeToken } from "../protocol/subjects.ts";
import type { StoreInfo } from "../session/session.ts";
import type { OpenBucket } from "./buckets.ts";
import { loadWithConsumer } from "./consumer-load.ts";
import { loadSnapshot } from "./direct-load.ts";
import { toEntry } from "./entry-codec.ts";
import type { ReadyState } from "./feed-host.ts";
import { readHead } from "./leader.ts";
import type { Lane, LoadLane } from "./load-lane.ts";
import { LoadRaced } from "./load-raced.ts";
import { type MessageHeaders, readHeaders } from "./message-headers.ts";
import { latin1, type RawMessage, subjectOf } from "./raw-message.ts";

/** Counts that raced with writes before that is told as a failure. */
const MAX_RACES = 6;

/**
 * The stores of a scope that have a key: one request where the scope is small, else a temporary consumer that brings no
 * values. Nothing is asked of the stream's list of subjects, because that counts removals as keys.
 * @throws ConatError, ApiError and the client library's errors
 */
export async function listStores(
  ready: ReadyState,
  lane: LoadLane,
  scope: Scope,
  timeoutMs: number,
): Promise<StoreInfo[]> {
  const lists = await Promise.all(
    [false, true].map(async (ephemeral) => {
      const bucket = ready.buckets.of({ scope, ephemeral });
      const counts = await countKeys(ready, lane, bucket, scope, timeoutMs);
      return Array.from(counts, ([name, keys]): StoreInfo => ({ name, ephemeral, keys }));
    }),
  );
  return lists.flat().sort((one, other) => (one.name < other.name ? -1 : 1));
}

/** Keys of each store that has one. */
async function countKeys(
  ready: ReadyState,
  lane: LoadLane,
  bucket: OpenBucket,
  scope: Scope,
  timeoutMs: number,
): Promise<ReadonlyMap<string, number>> {
  for (let races = 0; races < MAX_RACES; races += 1) {
    try {
      return await countOnce(ready, lane, bucket, scope, timeoutMs);
    } catch (error) {
      if (!(error instanceof LoadRaced)) throw error;
      await sleep(10 * 2 ** races);
    }
  }
  throw new ConatError(
    "unavailable",
    "the scope changed all the time while it was read: try again",
  );
}

async function countOnce(
  { connection, signal }: ReadyState,
  lane: LoadLane,
  bucket: OpenBucket,
  scope: Scope,
  timeoutMs: number,
): Promise<ReadonlyMap<string, number>> {
  const filter = scopeFilter(bucket.name, scope);
  const exchange = (on: Lane) => ({
    connection: on.connection,
    idleTimeoutMs: on.idleTimeoutMs,
    signals: [signal, on.signal],
  });
  const head = await readHead(connection, bucket, filter, timeoutMs);
  const small = new KeyCount();
  const outcome = await lane.small((on) =>
    loadSnapshot(exchange(on), bucket, filter, (message, headers) =>
      small.add(latin1(message.bytes, headers.subjectStart, headers.subjectEnd), headers, message),
    ),
  );
  if (outcome.type !== "too-large") {
    const upTo = outcome.type === "complete" ? outcome.upTo : 0;
    if (upTo < head) throw new LoadRaced();
    return small.keys;
  }
  const large = new KeyCount();
  await lane.bulk((on) =>
    loadWithConsumer({
      ...exchange(on),
      bucket,
      filter,
      from: 0,
      reach: head,
      headersOnly: true,
      requestTimeoutMs: timeoutMs,
      onStored: (message) => large.add(subjectOf(message), readHeaders(message), message),
    }),
  );
  return large.keys;
}

/** Counts the keys of every store whose messages come by, in the order of their sequences. */
class KeyCount {
  readonly keys = new Map<string, number>();

  add(subject: string, headers: MessageHeaders, message: RawMessage): void {
    const name = decodeToken(
      storeToken(subject) ?? "",
      headers.store === "" ? undefined : headers.store,
    );
    if (name === undefined) return;
    const entry = toEntry(keyToken(subject), headers.seq, headers.time, headers, message);
    // What is older than a floor is on its way out.
    if (entry?.kind === "floor") this.keys.delete(name);
    if (entry?.kind === "put") this.keys.set(name, (this.keys.get(name) ?? 0) + 1);
  }
}
