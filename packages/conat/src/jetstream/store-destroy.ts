import { headers, type NatsConnection } from "@nats-io/nats-core";
import * as v from "valibot";
import { ConatError } from "../protocol/conat-error.ts";
import type { StoreRef } from "../protocol/scope.ts";
import { apiSubject, floorSubject, storeFilter } from "../protocol/subjects.ts";
import type { OpenBucket } from "./buckets.ts";
import { formatTtl } from "./entry-codec.ts";
import type { ReadyState } from "./feed-host.ts";
import { apiRequest } from "./js-api.ts";
import { readHead } from "./leader.ts";
import { HEADER } from "./message-headers.ts";
import { readPublishReply } from "./publish-reply.ts";
import { toRawMessage } from "./raw-message.ts";

const purged = v.object({ success: v.boolean() });

/**
 * Removes everything of a store that is stored before a record in its own stream says so. Readers drop what is older
 * when the record comes by, whether live or with what they missed; the record lives as long as any marker of a removal.
 * @throws ConatError, ApiError and the client library's errors
 */
export async function destroyStore(
  { connection, buckets }: ReadyState,
  ref: StoreRef,
  timeoutMs: number,
): Promise<void> {
  const bucket = buckets.of(ref);
  const purge = (upTo: number): Promise<unknown> =>
    apiRequest(
      connection,
      apiSubject("STREAM.PURGE", bucket.stream),
      { filter: storeFilter(bucket.name, ref), seq: upTo },
      purged,
      timeoutMs,
    );
  const publish = (): Promise<number> => publishFloor(connection, bucket, ref, timeoutMs);
  const floor = await publish().catch(async (error: unknown) => {
    if (!(error instanceof ConatError && error.kind === "storage-full")) throw error;
    // A bucket without room for the record gets it from what the record is about.
    const head = await readHead(connection, bucket, storeFilter(bucket.name, ref), timeoutMs);
    await purge(head + 1);
    return publish();
  });
  if (floor > bucket.highWater) bucket.highWater = floor;
  await purge(floor);
}

/** Stores the record; a PURGE vanishes silently when its time is over. @returns its sequence */
async function publishFloor(
  connection: NatsConnection,
  bucket: OpenBucket,
  ref: StoreRef,
  timeoutMs: number,
): Promise<number> {
  const record = headers();
  record.set(HEADER.operation, "PURGE");
  record.set(HEADER.rollup, "sub");
  record.set(HEADER.ttl, formatTtl(bucket.markerTtlMs));
  const answer = await connection.request(floorSubject(bucket.name, ref), undefined, {
    headers: record,
    timeout: timeoutMs,
  });
  const reply = readPublishReply(toRawMessage(answer));
  if (reply.type === "stored") return reply.seq;
  throw new ConatError(reply.kind, `not destroyed: ${reply.reason}`);
}
