/** Messages kept for the next connection; past either bound the oldest go first. */
export const OUTBOX_MAX_MESSAGES = 1_000;
export const OUTBOX_MAX_MESSAGE_BYTES = 1_048_576;

/** A bounded queue of messages to publish, for while there is no connection. */
export class Outbox<Topic> {
  #messages: [Topic, Uint8Array][] = [];
  #bytes = 0;

  add(topic: Topic, data: Uint8Array): void {
    this.#messages.push([topic, data]);
    this.#bytes += data.length;
    while (this.#messages.length > OUTBOX_MAX_MESSAGES || this.#bytes > OUTBOX_MAX_MESSAGE_BYTES) {
      this.#bytes -= this.#messages.shift()?.[1].length ?? 0;
    }
  }

  /** Empties the queue; the messages come oldest first. */
  drain(): readonly [Topic, Uint8Array][] {
    const messages = this.#messages;
    this.#messages = [];
    this.#bytes = 0;
    return messages;
  }
}
