import { createInbox, type Msg, type NatsConnection, type Subscription } from "@nats-io/nats-core";
import { ConatError, type ErrorKind } from "../protocol/conat-error.ts";
import type { StoreRef } from "../protocol/scope.ts";
import { keySubject } from "../protocol/subjects.ts";
import type { Mutation, WriteResult } from "../session/session.ts";
import { tell } from "../util/tell.ts";
import { BoundedQueue } from "./bounded-queue.ts";
import type { OpenBucket } from "./buckets.ts";
import { readDigits } from "./delivery.ts";
import type { ReadyState } from "./feed-host.ts";
import { readEntry } from "./leader.ts";
import { Limiter } from "./limiter.ts";
import { fromNatsError } from "./nats-error.ts";
import { checkOrigin, type ResolvedOptions } from "./options.ts";
import { publishRaw } from "./publish-raw.ts";
import { readPublishReply } from "./publish-reply.ts";
import { type RawMessage, toRawMessage } from "./raw-message.ts";
import { writeHeaders } from "./write-headers.ts";

/** Writes in flight at the same time: enough to keep a server busy, few enough to be done soon after a cut. */
const WINDOW_WRITES = 2_000;

/** Bytes in flight at the same time. */
const WINDOW_BYTES = 16_777_216;

/** Writes that wait for a place in the window, and their bytes. */
const QUEUE_WRITES = 100_000;
const QUEUE_BYTES = 67_108_864;

/** Conflicts whose current entry is read at the same time. */
const CONFLICT_READS = 64;

/** nats-server's default `max_control_line` is 4,096; past it the connection is closed. This leaves room for the rest. */
const MAX_SUBJECT_BYTES = 3_800;

/** What an entry costs on the wire beside its value, for the bounds in bytes. */
const OVERHEAD_BYTES = 300;

const NO_VALUE = new Uint8Array(0);

interface Write {
  readonly ref: StoreRef;
  readonly mutation: Mutation;
  readonly onResult: (result: WriteResult) => void;
  readonly bytes: number;
  bucket: OpenBucket | undefined;
  /** When it was sent, by the monotonic clock. */
  sentAt: number;
  /** Its sequence must be above this: that was stored before it was sent. */
  above: number;
}

/** Publishes writes and tells what became of each, with no promise and no timer per write. */
export class Publisher {
  readonly #timeoutMs: number;
  readonly #requestTimeoutMs: number;
  readonly #onBucketInDoubt: () => void;
  readonly #inbox = `${createInbox()}.`;
  readonly #conflictReads = new Limiter(CONFLICT_READS);
  /** By the number at the end of their reply subject, in the order they were sent. */
  readonly #sent = new Map<number, Write>();
  readonly #queue = new BoundedQueue<Write>(QUEUE_WRITES, QUEUE_BYTES);
  #open = 0;
  #openBytes = 0;
  #nextReply = 1;
  #knownOrigin = "";
  #ready: ReadyState | undefined;
  #subscription: Subscription | undefined;
  #subscribedOn: NatsConnection | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: ResolvedOptions, onBucketInDoubt: () => void) {
    this.#timeoutMs = options.writeTimeoutMs;
    this.#requestTimeoutMs = options.requestTimeoutMs;
    this.#onBucketInDoubt = onBucketInDoubt;
  }

  /** Writes sent and not answered, and writes that wait to be sent. */
  get size(): number {
    return this.#open + this.#queue.length;
  }

  resume(ready: ReadyState): void {
    this.#ready = ready;
    if (this.#subscribedOn === ready.connection) return;
    this.#subscription?.unsubscribe();
    this.#subscribedOn = ready.connection;
    this.#subscription = ready.connection.subscribe(`${this.#inbox}*`, { callback: this.#onReply });
  }

  /** The connection is gone: what was sent may or may not be stored; what waits is not, because of `error`. */
  suspend(error: ConatError): void {
    this.#ready = undefined;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const sent = [...this.#sent.values()];
    const queued = this.#queue.takeAll();
    this.#sent.clear();
    for (const write of sent) {
      this.#fail(write, "ambiguous", `no answer before the connection was lost: ${error.message}`);
    }
    for (const write of queued) this.#tellFailed(write, error);
  }

  /** The stream has a leader again: what was sent to it before may or may not be stored, and gets no answer. */
  giveUp(stream: string): void {
    const lost = [...this.#sent].filter(([, { bucket }]) => bucket?.stream === stream);
    for (const [id] of lost) this.#sent.delete(id);
    for (const [, write] of lost) {
      this.#fail(write, "ambiguous", "no answer before its bucket had another leader");
    }
    this.#sendQueued();
  }

  /** Sends mutations in order. `notReady` is the answer to all of them while there is no connection. */
  write(
    ref: StoreRef,
    mutations: readonly Mutation[],
    onResult: (result: WriteResult) => void,
    notReady: () => ConatError,
  ): void {
    for (const mutation of mutations) {
      const bytes = (mutation.value?.length ?? 0) + mutation.key.length + OVERHEAD_BYTES;
      const write: Write = {
        ref,
        mutation,
        onResult,
        bytes,
        bucket: undefined,
        sentAt: 0,
        above: 0,
      };
      if (this.#ready === undefined) {
        this.#refuse(write, notReady());
      } else if (this.#queue.length === 0 && this.#hasRoom(bytes)) {
        this.#send(write, this.#ready);
      } else if (this.#queue.isFullFor(bytes)) {
        this.#refuse(write, new ConatError("unavailable", "too many writes wait for nats-server"));
      } else {
        this.#queue.push(write);
      }
    }
  }

  #hasRoom(bytes: number): boolean {
    if (this.#open === 0) return true;
    return this.#open < WINDOW_WRITES && this.#openBytes + bytes <= WINDOW_BYTES;
  }

  #sendQueued(): void {
    const ready = this.#ready;
    if (ready === undefined) return;
    for (let next = this.#queue.peek(); next !== undefined; next = this.#queue.peek()) {
      if (!this.#hasRoom(next.bytes)) return;
      this.#queue.shift();
      this.#send(next, ready);
    }
  }

  #send(write: Write, { buckets, connection }: ReadyState): void {
    const { ref, mutation } = write;
    try {
      if (mutation.origin !== "" && mutation.origin !== this.#knownOrigin) {
        this.#knownOrigin = checkOrigin(mutation.origin);
      }
      const bucket = buckets.of(ref);
      const subject = keySubject(bucket.name, ref, mutation.key);
      if (subject.length > MAX_SUBJECT_BYTES) {
        throw new ConatError(
          "bad-name",
          "scope, store and key together are too long for a subject",
        );
      }
      const payload = mutation.value ?? NO_VALUE;
      const headers = writeHeaders(ref, mutation, subject, bucket.markerTtlMs);
      checkSize(payload.length + headers.length, connection);
      const id = this.#nextReply++;
      publishRaw(connection, { subject, reply: this.#inbox + id, headers, payload });
      write.bucket = bucket;
      write.sentAt = performance.now();
      write.above = bucket.highWater;
      this.#open += 1;
      this.#openBytes += write.bytes;
      this.#sent.set(id, write);
      this.#timer ??= setTimeout(this.#onTimer, this.#timeoutMs);
    } catch (cause) {
      this.#refuse(write, fromNatsError(cause, "publish a write"));
    }
  }

  readonly #onReply = (error: Error | null, message: Msg): void => {
    if (error) return;
    const raw = toRawMessage(message);
    const id = readDigits(raw.subject, this.#inbox.length);
    const write = this.#sent.get(id);
    if (write === undefined) return;
    this.#sent.delete(id);
    this.#settle(write, raw);
    this.#sendQueued();
  };

  #settle(write: Write, raw: RawMessage): void {
    const reply = readPublishReply(raw);
    if (reply.type === "stored") {
      const { bucket } = write;
      if (bucket !== undefined && !reply.duplicate && reply.seq <= write.above) {
        bucket.hasGoneBack = true;
        this.#onBucketInDoubt();
      }
      if (bucket !== undefined && reply.seq > bucket.highWater) bucket.highWater = reply.seq;
      this.#release(write);
      tell(write.onResult, {
        write: write.mutation.write,
        ok: true,
        seq: reply.seq,
        duplicate: reply.duplicate,
      });
    } else if (reply.kind === "conflict") {
      void this.#conflicted(write, reply.reason);
    } else {
      if (reply.kind === "unavailable") this.#onBucketInDoubt();
      this.#fail(write, reply.kind, `not stored: ${reply.reason}`);
    }
  }

  /** Another write of the key came first. What it wrote is read, so that the caller can merge without a further trip. */
  async #conflicted(write: Write, reason: string): Promise<void> {
    const { ref, mutation, bucket } = write;
    const ready = this.#ready;
    const current =
      ready === undefined || bucket === undefined
        ? undefined
        : await this.#conflictReads
            .run(() =>
              readEntry(ready.connection, bucket, ref, mutation.key, this.#requestTimeoutMs),
            )
            // Without it the caller learns the entry from its feed.
            .catch(() => undefined);
    const error = new ConatError("conflict", `not stored: ${reason}`, { current });
    this.#release(write);
    this.#tellFailed(write, error);
    this.#sendQueued();
  }

  #fail(write: Write, kind: ErrorKind, message: string): void {
    this.#release(write);
    this.#tellFailed(write, new ConatError(kind, message));
  }

  #release(write: Write): void {
    this.#open -= 1;
    this.#openBytes -= write.bytes;
  }

  #tellFailed({ mutation, onResult }: Write, error: ConatError): void {
    tell(onResult, { write: mutation.write, ok: false, error });
  }

  /** A write that was never sent; told once the caller's call has returned. */
  #refuse(write: Write, error: ConatError): void {
    queueMicrotask(() => this.#tellFailed(write, error));
  }

  /** The oldest come first, and all wait equally long: one timer for the first of them is enough. */
  readonly #onTimer = (): void => {
    this.#timer = undefined;
    const due = performance.now() - this.#timeoutMs;
    for (const [id, write] of this.#sent) {
      if (write.sentAt > due) {
        this.#timer = setTimeout(this.#onTimer, write.sentAt - due);
        break;
      }
      this.#sent.delete(id);
      this.#onBucketInDoubt();
      this.#fail(write, "ambiguous", `nats-server did not answer within ${this.#timeoutMs} ms`);
    }
    this.#sendQueued();
  };
}

function checkSize(bytes: number, connection: NatsConnection): void {
  const max = connection.info?.max_payload;
  if (max === undefined || bytes <= max) return;
  throw new ConatError(
    "value-too-large",
    `the value and its headers are ${bytes} bytes; nats-server takes ${max} (max_payload)`,
  );
}
