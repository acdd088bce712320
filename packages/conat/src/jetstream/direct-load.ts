import { ConatError } from "../protocol/conat-error.ts";
import { apiSubject, type Subject } from "../protocol/subjects.ts";
import type { OpenBucket } from "./buckets.ts";
import { Exchange, type ExchangeOptions } from "./exchange.ts";
import { LoadRaced } from "./load-raced.ts";
import { type MessageHeaders, readHeaders } from "./message-headers.ts";
import type { RawMessage } from "./raw-message.ts";

/** Takes a message that is stored. */
export type OnStored = (message: RawMessage, headers: MessageHeaders) => void;

/** Most messages asked for in one delta request: about one chunk on the network per dozen of them. */
const DELTA_BATCH = 1_000;

/** Bytes per answer: the server cuts off whoever has 64 MB waiting, and many loads share the connection. */
const MAX_ANSWER_BYTES = 2_097_152;

const END_OF_BATCH = 204;
const NOT_FOUND = 404;
const TOO_MANY = 413;
const NO_RESPONDERS = 503;

/** What one request for the last message of every key came to. */
export type SnapshotOutcome =
  /** All keys were told, as of this stream sequence. */
  | { readonly type: "complete"; readonly upTo: number }
  /** No key matches. */
  | { readonly type: "empty" }
  /** Too many keys or bytes for one request; what was told is not everything. */
  | { readonly type: "too-large" };

/**
 * Reads the last message of every key that matches, at most 1,024, in one request. The server holds the bucket's lock
 * meanwhile, so that it is a state the store really had.
 */
export async function loadSnapshot(
  options: ExchangeOptions,
  bucket: OpenBucket,
  filter: Subject,
  onStored: OnStored,
): Promise<SnapshotOutcome> {
  let outcome: SnapshotOutcome = { type: "empty" };
  let count = 0;
  const exchange = new Exchange(options);
  const inbox = exchange.listen((message) => {
    const headers = readHeaders(message);
    switch (headers.status) {
      case 0:
        count += 1;
        onStored(message, headers);
        return;
      case END_OF_BATCH:
        outcome =
          headers.pending > 0 ? { type: "too-large" } : { type: "complete", upTo: headers.upTo };
        break;
      case NOT_FOUND:
        if (count > 0) throw new LoadRaced();
        break;
      case TOO_MANY:
        outcome = { type: "too-large" };
        break;
      default:
        throw refusedLoad(headers);
    }
    exchange.end();
  });
  exchange.request(directGet(bucket), { multi_last: [filter], max_bytes: MAX_ANSWER_BYTES }, inbox);
  await exchange.ended;
  return outcome;
}

/**
 * Reads every message from sequence `from` on, in order.
 * @param reach sequence that must be reached: a replica that has not got that far fails.
 * @returns the stream sequence up to which everything was told.
 */
export async function loadDelta(
  options: ExchangeOptions,
  bucket: OpenBucket,
  filter: Subject,
  from: number,
  reach: number,
  onStored: OnStored,
): Promise<number> {
  let last = from - 1;
  let pending = 0;
  const exchange = new Exchange(options);
  const inbox = exchange.listen((message) => {
    const headers = readHeaders(message);
    if (headers.status === 0) {
      last = headers.seq;
      onStored(message, headers);
      return;
    }
    if (headers.status === END_OF_BATCH) pending = headers.pending;
    else if (headers.status === NOT_FOUND) pending = 0;
    else throw refusedLoad(headers);
    if (pending > 0) return ask();
    if (last < reach) throw new LoadRaced();
    exchange.end();
  });
  const ask = (): void =>
    exchange.request(
      directGet(bucket),
      {
        seq: last + 1,
        next_by_subj: filter,
        batch: DELTA_BATCH,
        max_bytes: MAX_ANSWER_BYTES,
      },
      inbox,
    );
  ask();
  await exchange.ended;
  return last;
}

function directGet(bucket: OpenBucket): string {
  return apiSubject("DIRECT.GET", bucket.stream);
}

function refusedLoad({ status, description }: MessageHeaders): ConatError {
  if (status === NO_RESPONDERS) {
    return new ConatError("unavailable", "the bucket is not there; nobody answered");
  }
  return new ConatError("internal", `nats-server refused a load: ${status} ${description}`);
}
