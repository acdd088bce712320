import { type TopicMessage, type TopicRef, topicKey } from "@conat/conat/internal";
import type { Authorized } from "../scope/authorize.ts";
import { type EventFrame, encodeEvent } from "./event-frame.ts";

/** What all subscribers of one topic have in common: a number, and each message encoded once. */
export class TopicChannel {
  readonly key: string;
  readonly number: number;
  subscribers = 0;
  #lastMessage: TopicMessage | undefined;
  #lastFrame: EventFrame | undefined;

  constructor(key: string, number: number) {
    this.key = key;
    this.number = number;
  }

  /** The message as event `msg`. Subscribers ask for it one after the other, so only the last one is kept. */
  frame(message: TopicMessage): EventFrame {
    if (this.#lastMessage === message && this.#lastFrame) return this.#lastFrame;
    const frame = encodeEvent("msg", this.number, message.origin, message.data);
    if (this.#lastMessage === undefined) process.nextTick(this.#forget);
    this.#lastMessage = message;
    this.#lastFrame = frame;
    return frame;
  }

  readonly #forget = (): void => {
    this.#lastMessage = undefined;
    this.#lastFrame = undefined;
  };
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
