import { headers, type NatsConnection } from "@nats-io/nats-core";
import { ConatError } from "../protocol/conat-error.ts";
import { type Bucket, probeSubject } from "../protocol/subjects.ts";
import { HEADER } from "./message-headers.ts";
import { readPublishReply } from "./publish-reply.ts";
import { toRawMessage } from "./raw-message.ts";

/** The shortest that the server takes, in seconds; a PURGE then vanishes without a trace. */
const TTL_SECONDS = "1";

/**
 * Sequence of the last message before a record that is stored now: how far a bucket is for certain. A node that was paused, or cut off from
 * the others, may still answer questions as if it led the bucket; only what is stored has the majority behind it.
 * @throws ConatError `unavailable`, `storage-full`; the client library's errors when nobody answers
 */
export async function probe(
  connection: NatsConnection,
  bucket: Bucket,
  timeoutMs: number,
): Promise<number> {
  const record = headers();
  record.set(HEADER.operation, "PURGE");
  record.set(HEADER.rollup, "sub");
  record.set(HEADER.ttl, TTL_SECONDS);
  const answer = await connection.request(probeSubject(bucket), undefined, {
    headers: record,
    timeout: timeoutMs,
  });
  const reply = readPublishReply(toRawMessage(answer));
  if (reply.type === "stored") return reply.seq - 1;
  throw new ConatError(reply.kind, `how far a bucket is cannot be found out: ${reply.reason}`);
}
