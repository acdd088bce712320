import type { NatsConnection, Subscription as NatsSubscription } from "@nats-io/nats-core";
import { ConatError } from "../protocol/conat-error.ts";
import type { TopicRef } from "../protocol/scope.ts";
import { type Subject, topicSubject } from "../protocol/subjects.ts";
import type { Subscription, TopicListener, TopicMessage } from "../session/session.ts";
import { tell } from "../util/tell.ts";
import { BoundedQueue } from "./bounded-queue.ts";
import { deliverSoon, noteDelivery } from "./delivery-turn.ts";
import type { ReadyState } from "./feed-host.ts";
import { subscribeRaw } from "./frame-parser.ts";
import { checkOpen, FrameWriter } from "./frame-writer.ts";
import { HEADER, readHeaders } from "./message-headers.ts";
import { fromNatsError } from "./nats-error.ts";
import { checkOrigin } from "./options.ts";
import type { RawMessage } from "./raw-message.ts";

/** Messages, and their bytes, kept for when they may be written. */
const OUTBOX_MESSAGES = 1_000;
const OUTBOX_BYTES = 4_194_304;

/**
 * What those who listen here have heard already is written to the network at most once in this time, in milliseconds:
 * the system call costs more than all the rest of a message, and keeps the next one waiting.
 */
const WRITE_EVERY_MS = 1;

/** Messages, and their bytes, that one subscription may be behind. */
const INBOX_MESSAGES = 4_000;
const INBOX_BYTES = 16_777_216;

/** A reader gets the event loop for this long at a time, in milliseconds, so that it can be seen to be slow. */
const READER_TURN_MS = 10;

interface Outgoing {
  readonly subject: Subject;
  readonly message: TopicMessage;
  readonly bytes: number;
  /** Who listens here has it. */
  readonly isDelivered: boolean;
}

/**
 * PubSub on core subjects: nothing is stored, nobody answers. Who listens in the same session as the publisher, such as
 * the clients of one hub, gets a message at once; the server, which tells everybody else, does not echo it.
 */
export class Topics {
  readonly #outbox = new BoundedQueue<Outgoing>(OUTBOX_MESSAGES, OUTBOX_BYTES);
  readonly #subscriptions = new Set<TopicSubscription>();
  readonly #bySubject = new Map<Subject, Set<TopicSubscription>>();
  #connection: NatsConnection | undefined;
  /** When something was written last, by the monotonic clock. */
  #writtenAt = Number.NEGATIVE_INFINITY;
  #timer: NodeJS.Timeout | undefined;

  /** Open subscriptions. */
  get size(): number {
    return this.#subscriptions.size;
  }

  /** @throws ConatError `value-too-large` or `bad-options` */
  publish(topic: TopicRef, message: TopicMessage): void {
    const subject = topicSubject(topic);
    if (message.origin !== "") checkOrigin(message.origin);
    if (this.#connection === undefined) {
      this.#keep(subject, message, false);
      return;
    }
    checkSize(message, this.#connection);
    const isHeard = this.#deliver(subject, message);
    if (isHeard && performance.now() < this.#writtenAt + WRITE_EVERY_MS) {
      this.#keep(subject, message, true);
      this.#timer ??= setTimeout(() => this.flush(), WRITE_EVERY_MS);
    } else {
      this.flush();
      this.#write(this.#connection, subject, message);
    }
  }

  /** Keeps a message for later. There is always room: the oldest are written, or dropped where they cannot be. */
  #keep(subject: Subject, message: TopicMessage, isDelivered: boolean): void {
    const bytes = message.data.length + subject.length;
    if (this.#outbox.isFullFor(bytes)) this.flush();
    while (this.#outbox.isFullFor(bytes) && this.#outbox.shift());
    this.#outbox.push({ subject, message, bytes, isDelivered });
  }

  /** Writes what is kept, if there is a connection. */
  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const connection = this.#connection;
    if (connection === undefined || this.#outbox.length === 0) return;
    for (const { subject, message, isDelivered } of this.#outbox.takeAll()) {
      try {
        checkSize(message, connection);
        if (!isDelivered) this.#deliver(subject, message);
        this.#write(connection, subject, message);
      } catch {
        // Its publisher has long returned, and a message may be lost.
      }
    }
  }

  subscribe(topic: TopicRef, listener: TopicListener): Subscription {
    const subject = topicSubject(topic);
    const listening = this.#bySubject.get(subject) ?? new Set();
    const subscription = new TopicSubscription(subject, listener, (ended) => {
      this.#subscriptions.delete(ended);
      listening.delete(ended);
      if (listening.size === 0) this.#bySubject.delete(subject);
    });
    this.#subscriptions.add(subscription);
    this.#bySubject.set(subject, listening.add(subscription));
    if (this.#connection) subscription.attach(this.#connection);
    return subscription;
  }

  resume({ connection }: ReadyState): void {
    this.#connection = connection;
    for (const subscription of this.#subscriptions) subscription.attach(connection);
    this.flush();
  }

  suspend(): void {
    this.#connection = undefined;
  }

  end(error: ConatError): void {
    this.#connection = undefined;
    clearTimeout(this.#timer);
    this.#outbox.takeAll();
    for (const subscription of [...this.#subscriptions]) subscription.end(error);
  }

  /** To those who listen in this session. Answers whether there are any. */
  #deliver(subject: Subject, message: TopicMessage): boolean {
    const listening = this.#bySubject.get(subject);
    if (listening === undefined) return false;
    for (const subscription of listening) subscription.add(message);
    return true;
  }

  #write(connection: NatsConnection, subject: Subject, { data, origin }: TopicMessage): void {
    if (origin === "") {
      connection.publish(subject, data);
    } else {
      const headers = `NATS/1.0\r\n${HEADER.origin}: ${origin}\r\n\r\n`;
      const sizes = `${headers.length} ${headers.length + data.length}`;
      const head = `HPUB ${subject} ${sizes}\r\n${headers}`;
      const bytes = head.length + data.length + 2;
      checkOpen(connection);
      const frames = new FrameWriter(connection.protocol, bytes);
      frames.begin(bytes);
      frames.text(head);
      frames.bytes(data);
      frames.text("\r\n");
      frames.send();
    }
    this.#writtenAt = performance.now();
  }
}

/** @throws ConatError `value-too-large` */
function checkSize({ data, origin }: TopicMessage, connection: NatsConnection): void {
  const max = connection.info?.max_payload ?? Number.POSITIVE_INFINITY;
  if (data.length + origin.length + 64 <= max) return;
  throw new ConatError(
    "value-too-large",
    `the message is ${data.length} bytes; nats-server takes ${max} (max_payload)`,
  );
}

interface Incoming extends TopicMessage {
  readonly bytes: number;
}

/** One subscription and the messages its reader has not taken yet. The oldest go first when it is too slow. */
class TopicSubscription implements Subscription {
  readonly #subject: Subject;
  readonly #listener: TopicListener;
  readonly #onEnd: (subscription: TopicSubscription) => void;
  readonly #inbox = new BoundedQueue<Incoming>(INBOX_MESSAGES, INBOX_BYTES);
  #lagged = 0;
  #isScheduled = false;
  #isClosed = false;
  #attachedTo: NatsConnection | undefined;
  #subscription: NatsSubscription | undefined;

  constructor(
    subject: Subject,
    listener: TopicListener,
    onEnd: (subscription: TopicSubscription) => void,
  ) {
    this.#subject = subject;
    this.#listener = listener;
    this.#onEnd = onEnd;
  }

  attach(connection: NatsConnection): void {
    if (this.#attachedTo === connection) return;
    this.#attachedTo = connection;
    this.#subscription?.unsubscribe();
    const onError = (error: Error): void => this.end(fromNatsError(error, "subscribe"));
    this.#subscription = subscribeRaw(connection, this.#subject, this.#onMessage, onError);
  }

  readonly #onMessage = (message: RawMessage): void => {
    if (this.#isClosed) return;
    const { bytes, payloadAt, end } = message;
    // A copy: the message is a part of a chunk that the network's reader would keep for it.
    const data = new Uint8Array(bytes.subarray(payloadAt, end));
    this.add({ data, origin: readHeaders(message).origin });
  };

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#subscription?.unsubscribe();
    this.#inbox.takeAll();
    this.#onEnd(this);
  }

  end(error: ConatError): void {
    if (this.#isClosed) return;
    this.close();
    tell((reason) => this.#listener.onClosed(reason), error);
  }

  add({ data, origin }: TopicMessage): void {
    const bytes = data.length;
    while (this.#inbox.isFullFor(bytes) && this.#inbox.shift()) this.#lagged += 1;
    this.#inbox.push({ data, origin, bytes });
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    deliverSoon(this.#deliver);
  }

  readonly #deliver = (): void => {
    noteDelivery();
    const until = performance.now() + READER_TURN_MS;
    if (this.#lagged > 0) {
      const count = this.#lagged;
      this.#lagged = 0;
      tell((dropped) => this.#listener.onLagged(dropped), count);
    }
    for (let next = this.#inbox.shift(); next !== undefined; next = this.#inbox.shift()) {
      tell((message) => this.#listener.onMessage(message), next);
      if (performance.now() >= until) break;
    }
    this.#isScheduled = this.#inbox.length > 0;
    if (this.#isScheduled) setImmediate(this.#deliver);
  };
}
