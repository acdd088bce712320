import type { NatsConnection } from "@nats-io/nats-core";
import * as v from "valibot";
import type { Entry } from "../protocol/entry.ts";
import type { StoreRef } from "../protocol/scope.ts";
import {
  apiSubject,
  encodeTrueName,
  isHashToken,
  keySubject,
  keyToken,
  type Subject,
} from "../protocol/subjects.ts";
import { streamInfo } from "./bucket-config.ts";
import type { OpenBucket } from "./buckets.ts";
import { type DraftEntry, settleValues, toEntry } from "./entry-codec.ts";
import type { Stored } from "./history.ts";
import { apiRequest } from "./js-api.ts";
import { parseTime, readHeaders } from "./message-headers.ts";
import { API_ERROR, ApiError } from "./nats-error.ts";
import { rawMessage } from "./raw-message.ts";

const storedMessage = v.object({
  message: v.object({
    subject: v.string(),
    seq: v.number(),
    hdrs: v.optional(v.string(), ""),
    data: v.optional(v.string(), ""),
    time: v.string(),
  }),
});
type StoredMessage = v.InferOutput<typeof storedMessage>["message"];

/** Sequence of the newest message that matches, as the leader of the bucket has it; 0 when there is none. */
export async function readHead(
  connection: NatsConnection,
  bucket: OpenBucket,
  filter: Subject,
  timeoutMs: number,
): Promise<number> {
  const last = await readLast(connection, bucket, filter, timeoutMs);
  return last?.seq ?? 0;
}

/** Sequence of the last message that a bucket ever stored, as its leader has it. */
export async function readLastSeq(
  connection: NatsConnection,
  bucket: OpenBucket,
  timeoutMs: number,
): Promise<number> {
  const api = apiSubject("STREAM.INFO", bucket.stream);
  const { state } = await apiRequest(connection, api, undefined, streamInfo, timeoutMs);
  return state.last_seq;
}

/** The entry of one key as the leader of the bucket has it. */
export async function readEntry(
  connection: NatsConnection,
  bucket: OpenBucket,
  ref: StoreRef,
  key: string,
  timeoutMs: number,
): Promise<Entry | undefined> {
  const subject = keySubject(bucket.name, ref, key);
  const last = await readLast(connection, bucket, subject, timeoutMs);
  return last === undefined ? undefined : fromStored(last, key);
}

/** The oldest message of a bucket that is stored after a sequence. */
export async function readNext(
  connection: NatsConnection,
  bucket: OpenBucket,
  after: number,
  timeoutMs: number,
): Promise<Stored | undefined> {
  const payload = { seq: after + 1, next_by_subj: ">" };
  const next = await readMessage(connection, bucket, payload, timeoutMs);
  return next && { seq: next.seq, time: parseTime(next.time) };
}

function readLast(
  connection: NatsConnection,
  bucket: OpenBucket,
  subject: Subject,
  timeoutMs: number,
): Promise<StoredMessage | undefined> {
  return readMessage(connection, bucket, { last_by_subj: subject }, timeoutMs);
}

async function readMessage(
  connection: NatsConnection,
  bucket: OpenBucket,
  payload: object,
  timeoutMs: number,
): Promise<StoredMessage | undefined> {
  const api = apiSubject("STREAM.MSG.GET", bucket.stream);
  try {
    const { message } = await apiRequest(connection, api, payload, storedMessage, timeoutMs);
    return message;
  } catch (error) {
    if (error instanceof ApiError && error.errCode === API_ERROR.noMessageFound) return undefined;
    throw error;
  }
}

function fromStored(message: StoredMessage, key: string): DraftEntry | undefined {
  const headers = Buffer.from(message.hdrs, "base64");
  const bytes = Buffer.concat([headers, Buffer.from(message.data, "base64")]);
  const raw = rawMessage(Buffer.from(message.subject), bytes, headers.length);
  const token = keyToken(message.subject);
  const time = parseTime(message.time);
  // The marker of an expiry has no header with a long key's name; the caller knows it.
  const name = isHashToken(token) ? encodeTrueName(key) : "";
  const entry = toEntry(token, message.seq, time, readHeaders(raw), raw, name);
  if (entry !== undefined) settleValues([entry]);
  return entry;
}
