import { defaultClient } from "../client/default-client.ts";
import { ConatError, toConatError } from "../protocol/conat-error.ts";
import { MAX_VALUE_BYTES } from "../protocol/limits.ts";
import { parseName, parseScope, type ScopeOptions, type TopicRef } from "../protocol/scope.ts";
import { decodeValue, encodeValue } from "../protocol/value-codec.ts";
import type { Session, Subscription, TopicMessage } from "../session/session.ts";
import { Emitter } from "../util/emitter.ts";

export interface PubSubOptions extends ScopeOptions {
  /** Any string up to 16 kB. */
  readonly name: string;
  /** A file or folder the channel belongs to; "" for the whole scope. @default "" */
  readonly path?: string | undefined;
  /** Whose connection to use. @default the process-wide client of `CONAT_URL`, or of the page's own origin */
  readonly client?: { readonly session: Session } | undefined;
}

export interface PubSubMessageInfo {
  /** Sent over this very connection. */
  readonly own: boolean;
}

export interface PubSubEvents<T> {
  /** A message, the own ones included; frozen as far as JavaScript can. */
  change: [data: T, info: PubSubMessageInfo];
  /** This reader was too slow, and this many messages were dropped. */
  lagged: [count: number];
  /** The subscription was refused or has ended, or a message could not be read. Kept as {@link PubSub.error}. */
  error: [error: ConatError];
  closed: [];
}

/**
 * A channel that carries messages to everybody who listens at that moment; nothing is stored. Messages set before the
 * connection is up are sent when it is, at most 1,000 and 1 MiB of them, the oldest going first; subscriptions survive
 * reconnects. A handler that throws stops no other; its error is reported as an uncaught one.
 */
export class PubSub<T = unknown> {
  readonly #topic: TopicRef;
  readonly #session: Session;
  readonly #events = new Emitter<PubSubEvents<T>>();
  readonly #subscription: Subscription;
  #closed = false;
  #error: ConatError | undefined;

  /** @throws ConatError `bad-options`, `bad-name`; `bad-address` when there is no default client */
  constructor(options: PubSubOptions) {
    this.#topic = {
      scope: parseScope(options),
      path: parseName("path", options.path ?? ""),
      name: parseName("name", options.name),
    };
    this.#session = (options.client ?? defaultClient()).session;
    this.#subscription = this.#session.subscribe(this.#topic, {
      onMessage: (message) => this.#onMessage(message),
      onLagged: (count) => this.#events.emit("lagged", count),
      onClosed: (error) => {
        if (this.#closed) return;
        // Who closes the connection knows it.
        if (error.kind !== "closed") this.#fail(error);
        this.close();
      },
    });
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** What went wrong last, if anything did. */
  get error(): ConatError | undefined {
    return this.#error;
  }

  /**
   * Sends `data` to everybody who listens, the sender included.
   * @throws ConatError `not-serialisable`, `value-too-large`, or `closed`
   */
  set(data: T): void {
    if (this.#closed || this.#session.status.state === "closed") {
      throw new ConatError("closed", "the channel was closed", { cause: this.#error });
    }
    const bytes = encodeValue(data);
    if (bytes.length > MAX_VALUE_BYTES) {
      throw new ConatError(
        "value-too-large",
        `the message takes ${bytes.length} bytes, more than ${MAX_VALUE_BYTES}`,
      );
    }
    this.#session.publish(this.#topic, { data: bytes, origin: this.#session.origin });
  }

  /** Calls `listener` on every `event`. Returns the function that stops it. */
  on<Name extends keyof PubSubEvents<T>>(
    event: Name,
    listener: (...args: PubSubEvents<T>[Name]) => void,
  ): () => void {
    return this.#events.on(event, listener);
  }

  off<Name extends keyof PubSubEvents<T>>(
    event: Name,
    listener: (...args: PubSubEvents<T>[Name]) => void,
  ): void {
    this.#events.off(event, listener);
  }

  /** Stops listening and sending; `closed` is the last event. Idempotent. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#subscription.close();
    this.#events.emit("closed");
    this.#events.removeAllListeners();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #onMessage({ data, origin }: TopicMessage): void {
    let value: T;
    try {
      value = decodeValue(data) as T;
    } catch (error) {
      this.#fail(toConatError(error, "invalid-value"));
      return;
    }
    this.#events.emit("change", value, { own: origin !== "" && origin === this.#session.origin });
  }

  #fail(error: ConatError): void {
    this.#error = error;
    this.#events.emit("error", error);
  }
}
