import { createInbox, type NatsConnection, type Subscription } from "@nats-io/nats-core";
import { ConatError, type ErrorKind } from "../protocol/conat-error.ts";
import type { Entry } from "../protocol/entry.ts";
import type { StoreRef } from "../protocol/scope.ts";
import type { Mutation, WriteResult } from "../session/session.ts";
import { atEndOfTurn } from "../util/end-of-turn.ts";
import { tell } from "../util/tell.ts";
import type { OpenBucket } from "./buckets.ts";
import type { ReadyState } from "./feed-host.ts";
import { subscribeRaw } from "./frame-parser.ts";
import { checkOpen, FrameWriter } from "./frame-writer.ts";
import { readEntry } from "./leader.ts";
import { Limiter } from "./limiter.ts";
import { fromNatsError } from "./nats-error.ts";
import { checkOrigin, type ResolvedOptions } from "./options.ts";
import { type PublishReply, readPublishReply } from "./publish-reply.ts";
import { QuietWrites } from "./quiet-writes.ts";
import { type RawMessage, readDigits } from "./raw-message.ts";
import {
  frameBytes,
  idHeader,
  payloadBytes,
  putMessage,
  type StorePath,
  storePathOf,
  type WriteMessage,
  writeMessage,
} from "./write-message.ts";
import { WriteWindow } from "./write-window.ts";

/** Conflicts whose current entry is read at the same time. */
const CONFLICT_READS = 64;

/** What an entry costs on the wire beside its value, for the bounds in bytes. */
const OVERHEAD_BYTES = 300;

interface Write {
  readonly ref: StoreRef;
  readonly mutation: Mutation;
  readonly onResult: (result: WriteResult) => void;
  readonly bytes: number;
  /** The message that stores it is likely to be heard. */
  readonly isHeard: boolean;
  /** It went without one. Sent again, it is answered to the second try alone. */
  wasQuiet: boolean;
  bucket: OpenBucket | undefined;
  /** When it was sent, by the monotonic clock. */
  sentAt: number;
  /** Its sequence must be above this: that was stored before it was sent. */
  above: number;
  /** Those sent quietly right before it. When this one has its answer, they have been dealt with. */
  followed: readonly Write[] | undefined;
}

export interface PublisherParts {
  /** Something suggests that a bucket is gone, or has another history than before. */
  onBucketInDoubt(): void;
  /** Tells what was stored in this turn, as far as it has come in. */
  tellEntries(): void;
  /** Whether {@link Publisher.heard} is told what is stored in a store. It may change at any time. */
  hears(ref: StoreRef): boolean;
}

/**
 * Publishes writes and tells what became of each, with no promise and no timer per write.
 *
 * Of writes that leave together only the last asks for an answer: what is stored is heard anyway, and an answer for each
 * costs the server a sixth of its work. The server deals with the writes of a connection in order, and what it stores
 * comes before its answer. So those of which nothing was heard by then were refused, or stored without our hearing: they
 * are sent again under the same id, and this time they ask.
 *
 * All writes to a replicated bucket ask: its leader refuses a write, or knows its id, before it has dealt with those that
 * it has passed on to the others.
 */
export class Publisher {
  readonly #timeoutMs: number;
  readonly #requestTimeoutMs: number;
  readonly #parts: PublisherParts;
  readonly #inbox = `${createInbox()}.`;
  readonly #conflictReads = new Limiter(CONFLICT_READS);
  /** Those that ask for an answer by the number at the end of their reply subject, in the order they were sent. */
  readonly #sent = new Map<number, Write>();
  readonly #quiet = new QuietWrites<Write>();
  readonly #window = new WriteWindow<Write>();
  #nextReply = 1;
  /** Whose write was sent last, and to which store. */
  #origin = "";
  #idHeader: Uint8Array | undefined;
  #path: StorePath | undefined;
  #ready: ReadyState | undefined;
  #subscription: Subscription | undefined;
  #subscribedOn: NatsConnection | undefined;
  #timer: NodeJS.Timeout | undefined;
  /** Answers that came in this turn. */
  #answered: { readonly write: Write; readonly reply: PublishReply }[] = [];
  #isTurnEnding = false;

  constructor(options: ResolvedOptions, parts: PublisherParts) {
    this.#timeoutMs = options.writeTimeoutMs;
    this.#requestTimeoutMs = options.requestTimeoutMs;
    this.#parts = parts;
  }

  /** Writes sent and not answered, and writes that wait to be sent. */
  get size(): number {
    return this.#window.size;
  }

  resume(ready: ReadyState): void {
    this.#ready = ready;
    if (this.#subscribedOn === ready.connection) return;
    this.#subscription?.unsubscribe();
    this.#subscribedOn = ready.connection;
    // What may not be listened to is not answered, and that has a deadline.
    const onError = (): void => {};
    this.#subscription = subscribeRaw(ready.connection, `${this.#inbox}*`, this.#onReply, onError);
  }

  /** The connection is gone: what was sent may or may not be stored; what waits is not, because of `error`. */
  suspend(error: ConatError): void {
    this.#tellTurn();
    this.#ready = undefined;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const sent = [...this.#sent.values()];
    const waiting = this.#window.dropWaiting();
    this.#sent.clear();
    for (const write of sent) {
      this.#lose(write, `no answer before the connection was lost: ${error.message}`);
    }
    for (const write of waiting) this.#tellFailed(write, error);
  }

  /** The stream has a leader again: what was sent to it before may or may not be stored, and gets no answer. */
  giveUp(stream: string): void {
    const lost = [...this.#sent].filter(([, { bucket }]) => bucket?.stream === stream);
    for (const [id] of lost) this.#sent.delete(id);
    for (const [, write] of lost)
      this.#lose(write, "no answer before its bucket had another leader");
    this.#sendQueued();
  }

  /** Sends mutations in order. `notReady` is the answer to all of them while there is no connection. */
  write(
    ref: StoreRef,
    mutations: readonly Mutation[],
    onResult: (result: WriteResult) => void,
    notReady: () => ConatError,
  ): void {
    const isHeard = mutations.length > 1 && this.#parts.hears(ref);
    const entered: Write[] = [];
    for (const mutation of mutations) {
      const bytes = (mutation.value?.length ?? 0) + mutation.key.length + OVERHEAD_BYTES;
      const write: Write = {
        ref,
        mutation,
        onResult,
        bytes,
        isHeard,
        wasQuiet: false,
        bucket: undefined,
        sentAt: 0,
        above: 0,
        followed: undefined,
      };
      if (this.#ready === undefined) {
        this.#refuse(write, notReady());
        continue;
      }
      const place = this.#window.enter(write);
      if (place === "in") entered.push(write);
      else if (place === "full") {
        this.#refuse(write, new ConatError("unavailable", "too many writes wait for nats-server"));
      }
    }
    this.#send(entered);
  }

  /** What the server has just stored; the feeds that are to tell it have it. */
  heard(entry: Entry): void {
    const write = this.#quiet.takeHeard(entry);
    if (write === undefined) return;
    this.#answered.push({ write, reply: { type: "stored", seq: entry.seq, duplicate: false } });
    this.#endTurnSoon();
  }

  #endTurnSoon(): void {
    if (this.#isTurnEnding) return;
    this.#isTurnEnding = true;
    atEndOfTurn(this.#endTurn);
  }

  readonly #endTurn = (): void => {
    this.#isTurnEnding = false;
    this.#tellTurn();
    this.#sendQueued();
  };

  /** Tells what came in in this turn. Entries first: who has seen that of a write does not wait for it any more. */
  #tellTurn(): void {
    this.#parts.tellEntries();
    const answered = this.#answered;
    this.#answered = [];
    for (const { write, reply } of answered) this.#settle(write, reply);
  }

  /** What has waited leaves together. */
  #sendQueued(): void {
    if (this.#ready !== undefined) this.#send(this.#window.enterWaiting());
  }

  /** Sends what is in the window, and asks for an answer to the last that goes to a store. */
  #send(writes: readonly Write[]): void {
    const ready = this.#ready;
    if (ready === undefined) return;
    const sending: Write[] = [];
    const messages: WriteMessage[] = [];
    let bytes = 0;
    for (const write of writes) {
      const message = this.#prepare(write, ready);
      if (message === undefined) continue;
      sending.push(write);
      messages.push(message);
      bytes += frameBytes(message, this.#inbox);
    }
    if (sending.length === 0) return;
    checkOpen(ready.connection);
    const frames = new FrameWriter(ready.connection.protocol, bytes);
    const overwritten = sending.length > 1 ? overwrittenOf(sending) : NONE;
    let quiet: Write[] | undefined;
    for (let at = 0; at < sending.length; at += 1) {
      const write = sending[at];
      const message = messages[at];
      if (write === undefined || message === undefined) break;
      let reply = 0;
      const isFollowed = sending[at + 1]?.ref === write.ref;
      // Sent again, a write would come after what has been written to its key since.
      if (isFollowed && !overwritten.has(write) && this.#goesQuietly(write)) {
        write.wasQuiet = true;
        this.#quiet.add(write);
        quiet ??= [];
        quiet.push(write);
      } else {
        reply = this.#ask(write, quiet);
        quiet = undefined;
      }
      putMessage(frames, message, this.#inbox, reply);
    }
    frames.send();
  }

  /** Whether a write may go without an answer, now that another follows. */
  #goesQuietly(write: Write): boolean {
    const { bucket, isHeard, mutation, wasQuiet } = write;
    if (!isHeard || wasQuiet || bucket === undefined || bucket.isReplicated) return false;
    // A compare-and-set that is sent again is told that its own first try was a conflict.
    const isRepeatable = mutation.origin !== "" && mutation.expectedSeq === undefined;
    return isRepeatable && !this.#quiet.hasNumberOf(write);
  }

  /** A write is about to be sent, and so are those before it that do not ask. Returns the number of its answer. */
  #ask(write: Write, followed: readonly Write[] | undefined): number {
    const id = this.#nextReply++;
    write.followed = followed;
    write.sentAt = performance.now();
    this.#sent.set(id, write);
    this.#timer ??= setTimeout(this.#onTimer, this.#timeoutMs);
    return id;
  }

  /** The message that stores a write; a write that cannot be one is refused. */
  #prepare(write: Write, { buckets, connection }: ReadyState): WriteMessage | undefined {
    const { ref, mutation } = write;
    try {
      checkOpen(connection);
      const path = this.#pathOf(ref, buckets.of(ref));
      const message = writeMessage(path, mutation, this.#idHeaderOf(mutation));
      checkSize(payloadBytes(message), connection);
      write.bucket = path.bucket;
      write.above = path.bucket.highWater;
      return message;
    } catch (cause) {
      this.#window.leave(write);
      this.#refuse(write, fromNatsError(cause, "publish a write"));
      // No answer will come to it, upon which what waits would be sent.
      this.#endTurnSoon();
      return undefined;
    }
  }

  #pathOf(ref: StoreRef, bucket: OpenBucket): StorePath {
    const path = this.#path;
    if (path?.ref === ref && path.bucket === bucket) return path;
    this.#path = storePathOf(ref, bucket);
    return this.#path;
  }

  /** @throws ConatError `bad-options` for an origin that cannot stand in a header */
  #idHeaderOf({ origin }: Mutation): Uint8Array | undefined {
    if (origin !== this.#origin) {
      this.#idHeader = origin === "" ? undefined : idHeader(checkOrigin(origin));
      this.#origin = origin;
    }
    return this.#idHeader;
  }

  readonly #onReply = (message: RawMessage): void => {
    const { line, subjectStart, subjectEnd } = message;
    const id = readDigits(line, subjectStart + this.#inbox.length, subjectEnd);
    const write = this.#sent.get(id);
    if (write === undefined) return;
    this.#sent.delete(id);
    if (write.followed !== undefined) this.#send(this.#quiet.takeUnheard(write.followed));
    this.#answered.push({ write, reply: readPublishReply(message) });
    this.#endTurnSoon();
  };

  #settle(write: Write, reply: PublishReply): void {
    if (reply.type === "stored") {
      this.#stored(write, reply.seq, reply.duplicate);
    } else if (reply.kind === "conflict") {
      void this.#conflicted(write, reply.reason);
    } else {
      if (reply.kind === "unavailable") this.#parts.onBucketInDoubt();
      this.#fail(write, reply.kind, `not stored: ${reply.reason}`);
    }
  }

  #stored(write: Write, seq: number, duplicate: boolean): void {
    const { bucket, mutation } = write;
    if (bucket !== undefined && !duplicate && seq <= write.above) {
      bucket.hasGoneBack = true;
      this.#parts.onBucketInDoubt();
    }
    if (bucket !== undefined && seq > bucket.highWater) bucket.highWater = seq;
    this.#window.leave(write);
    tell(write.onResult, { write: mutation.write, ok: true, seq, duplicate });
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
    this.#window.leave(write);
    this.#tellFailed(write, error);
    this.#endTurnSoon();
  }

  /** Nobody can say whether a write is stored, or those that were sent quietly before it. */
  #lose(write: Write, message: string): void {
    const before = this.#quiet.takeUnheard(write.followed ?? []);
    for (const one of before) this.#fail(one, "ambiguous", message);
    this.#fail(write, "ambiguous", message);
  }

  #fail(write: Write, kind: ErrorKind, message: string): void {
    this.#window.leave(write);
    this.#tellFailed(write, new ConatError(kind, message));
  }

  #tellFailed({ mutation, onResult, wasQuiet }: Write, error: ConatError): void {
    const { kind, message } = error;
    // It is not stored now. From the first time it may be.
    const isInDoubt = wasQuiet && kind === "unavailable";
    const told = isInDoubt ? new ConatError("ambiguous", message, { cause: error }) : error;
    tell(onResult, { write: mutation.write, ok: false, error: told });
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
        // Somebody who was just told may have written again.
        clearTimeout(this.#timer);
        this.#timer = setTimeout(this.#onTimer, write.sentAt - due);
        break;
      }
      this.#sent.delete(id);
      this.#parts.onBucketInDoubt();
      this.#lose(write, `nats-server did not answer within ${this.#timeoutMs} ms`);
    }
    this.#sendQueued();
  };
}

const NONE: ReadonlySet<Write> = new Set();

/** Those after which another of the same key leaves. */
function overwrittenOf(writes: readonly Write[]): ReadonlySet<Write> {
  const keys = new Set<string>();
  const overwritten = new Set<Write>();
  for (let at = writes.length - 1; at >= 0; at -= 1) {
    const write = writes[at];
    if (write === undefined) break;
    const { size } = keys;
    if (keys.add(write.mutation.key).size === size) overwritten.add(write);
  }
  return overwritten;
}

function checkSize(bytes: number, connection: NatsConnection): void {
  const max = connection.info?.max_payload;
  if (max === undefined || bytes <= max) return;
  throw new ConatError(
    "value-too-large",
    `the value and its headers are ${bytes} bytes; nats-server takes ${max} (max_payload)`,
  );
}
