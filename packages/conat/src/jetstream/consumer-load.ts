import type { NatsConnection } from "@nats-io/nats-core";
import * as v from "valibot";
import { ConatError } from "../protocol/conat-error.ts";
import { apiSubject, type Subject } from "../protocol/subjects.ts";
import type { OpenBucket } from "./buckets.ts";
import { type Delivery, DeliveryReader } from "./delivery.ts";
import { Exchange, type ExchangeOptions } from "./exchange.ts";
import { apiRequest } from "./js-api.ts";
import { LoadRaced } from "./load-raced.ts";
import { type MessageHeaders, readHeaders } from "./message-headers.ts";
import type { RawMessage } from "./raw-message.ts";

/** Messages per pull: at 1,000 and more the round trip no longer shows. */
const PULL_BATCH = 5_000;

/** Bytes per pull: the server cuts off whoever has 64 MB waiting, and several loads share the connection. */
const PULL_BYTES = 4_194_304;

/** Pulls outstanding: while one is answered the next is already there. */
const PULLS = 2;

/** A pull that finds nothing more ends after this long. */
const PULL_EXPIRES_MS = 2_000;

/** The server removes the consumer itself after this long, when we cannot. */
const ORPHAN_MS = 15_000;

/** How long a load that has ended waits for its consumer to be deleted. */
const DELETE_TIMEOUT_MS = 1_000;

/** A stream has at most 1,000 consumers at a time. */
const NAME_BYTES = 8;

const TIMED_OUT = 408;
const CONFLICT = 409;

const NANOS_PER_MS = 1_000_000;

const created = v.object({ num_pending: v.number() });
const deleted = v.object({ success: v.optional(v.boolean(), false) });

export interface ConsumerLoad extends ExchangeOptions {
  readonly bucket: OpenBucket;
  readonly filter: Subject;
  /** First sequence to read; 0 for everything. */
  readonly from: number;
  /** Sequence that must be reached. */
  readonly reach: number;
  /** Bring no values. */
  readonly headersOnly?: boolean;
  readonly requestTimeoutMs: number;
  onStored(message: RawMessage, delivery: Delivery): void;
}

/**
 * Reads every message from a sequence on through a temporary consumer that lives in memory and is always deleted.
 * @returns the stream sequence up to which everything was told.
 */
export async function loadWithConsumer(load: ConsumerLoad): Promise<number> {
  const { connection, bucket, filter, requestTimeoutMs } = load;
  const name = consumerName();
  const { num_pending } = await apiRequest(
    connection,
    apiSubject("CONSUMER.CREATE", bucket.stream, name, filter),
    { stream_name: bucket.stream, config: consumerConfig(name, load) },
    created,
    requestTimeoutMs,
  );
  try {
    if (num_pending > 0) return await pull(load, name);
    if (load.reach >= load.from && load.reach > 0) throw new LoadRaced();
    return Math.max(0, load.from - 1);
  } finally {
    await remove(connection, bucket.stream, name);
  }
}

/** Random, and short: it is in the reply subject of every message, which is read byte by byte. */
function consumerName(): string {
  const id = Buffer.from(crypto.getRandomValues(new Uint8Array(NAME_BYTES)));
  return `conat-${id.toString("base64url")}`;
}

function consumerConfig(name: string, { filter, from, headersOnly }: ConsumerLoad): object {
  return {
    name,
    filter_subject: filter,
    ...(from > 0
      ? { deliver_policy: "by_start_sequence", opt_start_seq: from }
      : { deliver_policy: "all" }),
    ...(headersOnly === true ? { headers_only: true } : {}),
    ack_policy: "none",
    replay_policy: "instant",
    mem_storage: true,
    num_replicas: 1,
    inactive_threshold: ORPHAN_MS * NANOS_PER_MS,
  };
}

async function pull(load: ConsumerLoad, name: string): Promise<number> {
  const exchange = new Exchange(load);
  const next = apiSubject("CONSUMER.MSG.NEXT", load.bucket.stream, name);
  const deliveries = new DeliveryReader();
  let upTo = Math.max(0, load.from - 1);
  const finish = (): void => exchange.end(upTo >= load.reach ? undefined : new LoadRaced());
  const openSlot = (): void => {
    let left = 0;
    let isFresh = true;
    const ask = (batch: number, bounds: object): void => {
      left = batch;
      isFresh = true;
      exchange.request(next, { batch, expires: PULL_EXPIRES_MS * NANOS_PER_MS, ...bounds }, inbox);
    };
    const askMany = (): void => ask(PULL_BATCH, { max_bytes: PULL_BYTES });
    const inbox = exchange.listen((message) => {
      if (message.replyStart === message.replyEnd) {
        const headers = readHeaders(message);
        switch (pullEnd(headers)) {
          case "other":
            throw new ConatError(
              "unavailable",
              `a load was ended: ${headers.status} ${headers.description}`,
            );
          case "had-all":
            // Told behind its last message, when the next pull has been asked for already.
            break;
          case "too-large":
            if (isFresh) ask(1, {});
            else askMany();
            break;
          case "timed-out":
            // A whole pull without a message: what was pending has been removed meanwhile.
            if (isFresh) finish();
            else askMany();
            break;
        }
        return;
      }
      const delivery = deliveries.read(message);
      isFresh = false;
      upTo = delivery.seq;
      load.onStored(message, delivery);
      left -= 1;
      // The server counts an overwritten message as gone before it counts the one that took its place.
      if (delivery.pending === 0 && upTo >= load.reach) finish();
      else if (left === 0) askMany();
    });
    askMany();
  };
  for (let slot = 0; slot < PULLS; slot += 1) openSlot();
  await exchange.ended;
  return upTo;
}

/** Why a pull gets no more messages, by the status that the server sends then. */
function pullEnd(headers: MessageHeaders): "had-all" | "too-large" | "timed-out" | "other" {
  if (headers.status === TIMED_OUT) return "timed-out";
  if (headers.status !== CONFLICT) return "other";
  if (/Batch Completed/i.test(headers.description)) return "had-all";
  return /Exceeds MaxBytes/i.test(headers.description) ? "too-large" : "other";
}

/** A consumer that cannot be deleted now goes by itself; that must not fail a load that has succeeded. */
async function remove(connection: NatsConnection, stream: string, name: string): Promise<void> {
  const subject = apiSubject("CONSUMER.DELETE", stream, name);
  await apiRequest(connection, subject, undefined, deleted, DELETE_TIMEOUT_MS).catch(() => {});
}
