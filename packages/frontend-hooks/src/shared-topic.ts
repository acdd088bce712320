import {
  type ConatError,
  PubSub,
  type PubSubMessageInfo,
  type PubSubOptions,
  toConatError,
} from "@conat/conat";
import { type Lease, Listeners, type Shareable } from "@conat/conat/actions";
import type { SharedClient } from "./shared-client.ts";

export interface TopicMessage<T = unknown> extends PubSubMessageInfo {
  readonly data: T;
}

export type MessageListener<T> = (data: T, info: PubSubMessageInfo) => void;

/** One open channel and everything that components want to know of it. */
export class SharedTopic implements Shareable {
  readonly #client: Lease<SharedClient>;
  readonly #listeners = new Listeners();
  readonly #pubsub: PubSub | undefined;
  /** The newest message since it was opened. */
  last: TopicMessage | undefined;
  error: ConatError | undefined;

  constructor(client: Lease<SharedClient>, options: PubSubOptions) {
    this.#client = client;
    try {
      if (client.resource.client === undefined) throw client.resource.error;
      this.#pubsub = new PubSub({ ...options, client: client.resource.client });
    } catch (thrown) {
      this.error = toConatError(thrown);
    }
    this.#pubsub?.on("change", (data, info) => {
      this.last = { data, ...info };
      this.#listeners.tell();
    });
    this.#pubsub?.on("error", (error) => this.fail(error));
    this.#pubsub?.on("closed", () => this.#listeners.tell());
  }

  get ended(): boolean {
    return this.#pubsub?.closed ?? true;
  }

  /** Calls `listener` after `last` or `error` has changed. */
  subscribe(listener: () => void): () => void {
    return this.#listeners.add(listener);
  }

  onMessage(listener: MessageListener<unknown>): () => void {
    return this.#pubsub?.on("change", listener) ?? (() => {});
  }

  /** @throws ConatError what {@link PubSub.set} throws, or why there is no channel */
  send(data: unknown): void {
    if (this.#pubsub === undefined || (this.ended && this.error)) throw this.error;
    this.#pubsub.set(data);
  }

  fail(error: ConatError): void {
    this.error = error;
    this.#listeners.tell();
  }

  close(): void {
    this.#pubsub?.close();
    this.#client.release();
  }
}
