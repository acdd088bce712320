/** Messages kept until they can leave; past either bound the oldest go first. */
export const OUTBOX_MAX_MESSAGES = 1_000;
export const OUTBOX_MAX_MESSAGE_BYTES = 1_048_576;

/** A bounded queue of messages to publish, for while they cannot leave. */
export class Outbox<Topic> {
  #messages: [Topic, Uint8Array][] = [];
  #bytes = 0;

  get isEmpty(): boolean {
    return this.#messages.length === 0;
  }

  add(topic: Topic, data: Uint8Array): void {
    this.#messages.push([topic, data]);
    this.#bytes += data.length;
    while (this.#messages.length > OUTBOX_MAX_MESSAGES || this.#bytes > OUTBOX_MAX_MESSAGE_BYTES) {
      this.shift();
    }
  }

  /** Takes the oldest message. */
  shift(): [Topic, Uint8Array] | undefined {
    const message = this.#messages.shift();
    this.#bytes -= message?.[1].length ?? 0;
    return message;
  }

  clear(): void {
    this.#messages = [];
    this.#bytes = 0;
  }
}
