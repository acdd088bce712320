import {
  ConatError,
  type Subscription,
  type TopicMessage,
  type TopicRef,
  toConatError,
  topicKey,
} from "@conat/conat/internal";
import { authorizeTopic } from "../scope/authorize.ts";
import type { ConnectionContext } from "./connection-context.ts";
import type { EventFrame } from "./event-frame.ts";
import { MessageRing } from "./message-ring.ts";
import type { TopicChannel } from "./topic-fanout.ts";

/** Bytes of messages kept for a client whose outbox is full. */
const WAITING_MESSAGES_BYTES = 262_144;

/** A topic that this connection listens to. However many subscriptions it has there, each message goes out once. */
interface JoinedTopic {
  readonly key: string;
  readonly channel: TopicChannel;
  readonly ids: Set<number>;
  subscription: Subscription | undefined;
}

/** The PubSub subscriptions of one connection. */
export class Topics {
  readonly #context: ConnectionContext;
  readonly #joined = new Map<string, JoinedTopic>();
  readonly #byId = new Map<number, JoinedTopic>();
  readonly #waiting = new MessageRing<JoinedTopic, EventFrame>(WAITING_MESSAGES_BYTES);

  constructor(context: ConnectionContext) {
    this.#context = context;
  }

  get size(): number {
    return this.#byId.size;
  }

  publish(ref: TopicRef, data: Uint8Array): void {
    const { session } = this.#context;
    try {
      session.publish(ref, { data, origin: session.origin });
    } catch (error) {
      // The wire has no answer to a message that is fire and forget.
      this.#context.refuse(toConatError(error), () => undefined);
    }
  }

  subscribe(id: number, ref: TopicRef): void {
    const { outbox, limits } = this.#context;
    try {
      if (this.#byId.has(id)) {
        throw new ConatError(
          "bad-request",
          `subscription ${id} of this connection is already open`,
        );
      }
      if (this.#byId.size >= limits.maxSubscriptions) {
        throw new ConatError(
          "limit-exceeded",
          `this connection has ${limits.maxSubscriptions} subscriptions, which is the most: close one first`,
        );
      }
      const topic = this.#joined.get(topicKey(ref)) ?? this.#join(ref);
      try {
        this.#context.quota.countSubscriptions(1);
      } catch (error) {
        if (topic.ids.size === 0) this.#leave(topic);
        throw error;
      }
      topic.ids.add(id);
      this.#byId.set(id, topic);
      outbox.send("subscribed", id, topic.channel.number);
    } catch (error) {
      this.#context.refuse(toConatError(error), ({ kind, message }) =>
        outbox.send("unsubscribed", id, kind, message),
      );
    }
  }

  unsubscribe(id: number): void {
    const topic = this.#byId.get(id);
    if (topic === undefined) return;
    this.#byId.delete(id);
    this.#context.quota.countSubscriptions(-1);
    topic.ids.delete(id);
    if (topic.ids.size === 0) this.#leave(topic);
  }

  closeAll(): void {
    for (const id of [...this.#byId.keys()]) this.unsubscribe(id);
  }

  /** Sends what waited for a client that now reads again: first how much it has missed. */
  pump(): void {
    const { outbox, tally } = this.#context;
    if (this.#waiting.isEmpty || outbox.isFull) return;
    for (const [topic, count] of this.#waiting.takeDropped()) {
      tally.laggedMessages += count;
      for (const id of topic.ids) outbox.send("lagged", id, count);
    }
    while (!outbox.isFull) {
      const next = this.#waiting.shift();
      if (next === undefined) return;
      outbox.sendFrame(next.frame);
    }
  }

  #join(ref: TopicRef): JoinedTopic {
    const { session, topics } = this.#context;
    const channel = topics.acquire(authorizeTopic(session.identity, "subscribe", ref));
    const topic: JoinedTopic = {
      key: channel.key,
      channel,
      ids: new Set(),
      subscription: undefined,
    };
    this.#joined.set(topic.key, topic);
    topic.subscription = session.subscribe(ref, {
      onMessage: (message) => this.#onMessage(topic, message),
      onLagged: (count) => {
        for (const id of topic.ids) this.#context.outbox.send("lagged", id, count);
      },
      onClosed: (error) => this.#onClosed(topic, error),
    });
    return topic;
  }

  #onMessage(topic: JoinedTopic, message: TopicMessage): void {
    const { outbox } = this.#context;
    const frame = topic.channel.frame(message);
    if (outbox.isFull || !this.#waiting.isEmpty) this.#waiting.push(topic, frame);
    else outbox.sendFrame(frame);
  }

  #onClosed(topic: JoinedTopic, error: ConatError): void {
    for (const id of [...topic.ids]) {
      this.#context.refuse(error, ({ kind, message }) =>
        this.#context.outbox.send("unsubscribed", id, kind, message),
      );
      this.unsubscribe(id);
    }
  }

  #leave(topic: JoinedTopic): void {
    if (this.#joined.get(topic.key) !== topic) return;
    this.#joined.delete(topic.key);
    this.#waiting.forget(topic);
    topic.subscription?.close();
    this.#context.topics.release(topic.channel);
  }
}
