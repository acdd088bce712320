import type { ConatError } from "../protocol/conat-error.ts";
import type { HubEvents } from "../protocol/events.ts";
import { toWireTopicRef, type WireTopicRef } from "../protocol/messages/common.ts";
import type { TopicRef } from "../protocol/scope.ts";
import { toHubError } from "../transport/hub-error.ts";
import { tell } from "../util/tell.ts";
import type { HubPart, HubUplink } from "./hub-part.ts";
import { Outbox } from "./outbox.ts";
import type { Subscription, TopicListener, TopicMessage } from "./session.ts";

interface OpenSubscription {
  readonly id: number;
  readonly topic: WireTopicRef;
  readonly listener: TopicListener;
}

/** The PubSub subscriptions of a hub session, and what is published before the connection is up. */
export class HubTopics implements HubPart {
  readonly #uplink: HubUplink;
  readonly #subscriptions = new Map<number, OpenSubscription>();
  readonly #channels = new Map<number, Set<OpenSubscription>>();
  readonly #outbox = new Outbox<WireTopicRef>();
  #lastId = 0;

  constructor(uplink: HubUplink) {
    this.#uplink = uplink;
  }

  publish(ref: TopicRef, { data }: TopicMessage): void {
    const { connected, ended } = this.#uplink.connection;
    const topic = toWireTopicRef(ref);
    if (connected) this.#uplink.send("pub", topic, data);
    else if (ended === undefined) this.#outbox.add(topic, data);
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
    for (const [topic, data] of this.#outbox.drain()) this.#uplink.send("pub", topic, data);
  }

  onDisconnected(): void {
    this.#channels.clear();
  }

  onEnded(error: ConatError): void {
    this.#outbox.drain();
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
    unsubscribed: (id, kind, message) => this.#end(id, toHubError(kind, message)),
  } satisfies Partial<HubEvents>;

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
