import { type TopicMessage, type TopicRef, topicKey } from "@conat/conat/internal";
import type { Authorized } from "../scope/authorize.ts";
import { type EventFrame, encodeEvent } from "./event-frame.ts";
import { LastFrame } from "./last-frame.ts";

/** What all subscribers of one topic have in common: a number, and each message encoded once. */
export class TopicChannel {
  readonly key: string;
  readonly number: number;
  subscribers = 0;
  readonly #last = new LastFrame<TopicMessage>();

  constructor(key: string, number: number) {
    this.key = key;
    this.number = number;
  }

  /** The message as event `msg`. */
  frame(message: TopicMessage): EventFrame {
    const frame = this.#last.of(message);
    if (frame !== undefined) return frame;
    return this.#last.keep(message, encodeEvent("msg", this.number, message.origin, message.data));
  }
}

/** The channels of all topics that have subscribers. */
export class TopicFanout {
  readonly #channels = new Map<string, TopicChannel>();
  #lastNumber = 0;

  /** The topic's channel; give it back with {@link release}. */
  acquire(ref: Authorized<TopicRef>): TopicChannel {
    const key = topicKey(ref);
    let channel = this.#channels.get(key);
    if (channel === undefined) {
      this.#lastNumber += 1;
      channel = new TopicChannel(key, this.#lastNumber);
      this.#channels.set(key, channel);
    }
    channel.subscribers += 1;
    return channel;
  }

  release(channel: TopicChannel): void {
    channel.subscribers -= 1;
    if (channel.subscribers === 0) this.#channels.delete(channel.key);
  }

  get size(): number {
    return this.#channels.size;
  }
}
