import { type ConatError, recoveryFor } from "../protocol/conat-error.ts";
import type { HubEvents } from "../protocol/events.ts";
import { toWireTopicRef, type WireTopicRef } from "../protocol/messages/common.ts";
import type { TopicRef } from "../protocol/scope.ts";
import { toHubError } from "../transport/hub-error.ts";
import { tell } from "../util/tell.ts";
import type { HubPart, HubUplink } from "./hub-part.ts";
import { Outbox } from "./outbox.ts";
import type { Subscription, TopicListener, TopicMessage } from "./session.ts";

/** A WebSocket does not tell when there is room again: look this often, in milliseconds. */
const CONGESTED_RETRY_MS = 50;

/** How long to wait before asking again for what the hub could not take now, in milliseconds, on average. */
const ASK_AGAIN_MS = 1_000;

interface OpenSubscription {
  readonly id: number;
  readonly topic: WireTopicRef;
  readonly listener: TopicListener;
}

/** The PubSub subscriptions of a hub session, and what is published faster than it can leave. */
export class HubTopics implements HubPart {
  readonly #uplink: HubUplink;
  readonly #subscriptions = new Map<number, OpenSubscription>();
  readonly #channels = new Map<number, Set<OpenSubscription>>();
  readonly #outbox = new Outbox<WireTopicRef>();
  #lastId = 0;
  /** Counts connections: each subscribes to everything by itself. */
  #attempt = 0;
  #stopTimer: (() => void) | undefined;

  constructor(uplink: HubUplink) {
    this.#uplink = uplink;
  }

  publish(ref: TopicRef, { data }: TopicMessage): void {
    const { connected, ended } = this.#uplink.connection;
    const topic = toWireTopicRef(ref);
    if (ended !== undefined) return;
    if (connected && this.#outbox.isEmpty && !this.#uplink.congested()) {
      this.#uplink.send("pub", topic, data);
    } else {
      this.#outbox.add(topic, data);
      if (connected) this.#flushSoon();
    }
  }

  subscribe(ref: TopicRef, listener: TopicListener): Subscription {
    this.#lastId += 1;
    const subscription = { id: this.#lastId, topic: toWireTopicRef(ref), listener };
    this.#subscriptions.set(subscription.id, subscription);
    const { connected, ended } = this.#uplink.connection;
    if (ended) queueMicrotask(() => this.#end(subscription.id, ended));
    else if (connected) this.#uplink.send("sub", subscription.id, subscription.topic);
    return {
      close: () => {
        if (this.#forget(subscription.id) && this.#uplink.connection.connected) {
          this.#uplink.send("unsub", subscription.id);
        }
      },
    };
  }

  onConnected(): void {
    // Subscriptions first, so that a session hears what it said before it was connected.
    for (const { id, topic } of this.#subscriptions.values()) this.#uplink.send("sub", id, topic);
    this.#flush();
  }

  onDisconnected(): void {
    this.#attempt += 1;
    this.#channels.clear();
  }

  onEnded(error: ConatError): void {
    this.#outbox.clear();
    this.#stopTimer?.();
    for (const id of [...this.#subscriptions.keys()]) this.#end(id, error);
  }

  readonly receivers = {
    subscribed: (id, channel) => {
      const subscription = this.#subscriptions.get(id);
      if (subscription === undefined) return;
      const readers = this.#channels.get(channel) ?? new Set();
      this.#channels.set(channel, readers.add(subscription));
    },
    msg: (channel, origin, data) => {
      for (const { listener } of [...(this.#channels.get(channel) ?? [])]) {
        tell(() => listener.onMessage({ data, origin }));
      }
    },
    lagged: (id, count) => {
      const listener = this.#subscriptions.get(id)?.listener;
      tell(() => listener?.onLagged(count));
    },
    unsubscribed: (id, kind, message) => {
      const error = toHubError(kind, message);
      if (recoveryFor(error.kind) === "retry") this.#askAgain(id);
      else this.#end(id, error);
    },
  } satisfies Partial<HubEvents>;

  #flush(): void {
    while (this.#uplink.connection.connected && !this.#uplink.congested()) {
      const message = this.#outbox.shift();
      if (message === undefined) return;
      this.#uplink.send("pub", ...message);
    }
    if (this.#uplink.connection.connected) this.#flushSoon();
  }

  #flushSoon(): void {
    this.#stopTimer ??= this.#uplink.environment.startTimer(() => {
      this.#stopTimer = undefined;
      this.#flush();
    }, CONGESTED_RETRY_MS);
  }

  /** The hub cannot take the subscription now. It asks again, in this connection or the next one. */
  #askAgain(id: number): void {
    const { environment, connection } = this.#uplink;
    const attempt = this.#attempt;
    environment.startTimer(
      () => {
        const subscription = this.#subscriptions.get(id);
        if (subscription === undefined || attempt !== this.#attempt || !connection.connected)
          return;
        this.#uplink.send("sub", id, subscription.topic);
      },
      ASK_AGAIN_MS * (0.5 + environment.random()),
    );
  }

  #end(id: number, error: ConatError): void {
    const listener = this.#subscriptions.get(id)?.listener;
    if (this.#forget(id)) tell(() => listener?.onClosed(error));
  }

  #forget(id: number): boolean {
    const subscription = this.#subscriptions.get(id);
    if (subscription === undefined) return false;
    for (const [channel, readers] of this.#channels) {
      if (readers.delete(subscription) && readers.size === 0) this.#channels.delete(channel);
    }
    return this.#subscriptions.delete(id);
  }
}
