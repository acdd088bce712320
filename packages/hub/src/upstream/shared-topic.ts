import type {
  ConatError,
  Session,
  Subscription,
  TopicListener,
  TopicMessage,
  TopicRef,
} from "@conat/conat/internal";

export interface SharedTopicOptions {
  readonly ref: TopicRef;
  readonly inner: Session;
  /** Nobody listens any more, or the subscription below has ended. */
  readonly onEnded: (topic: SharedTopic) => void;
  /** A listener has thrown; the other listeners go on. */
  readonly onListenerError: (error: unknown) => void;
}

/** One subscription of a topic, however many listen. */
export class SharedTopic implements TopicListener {
  readonly ref: TopicRef;
  readonly #options: SharedTopicOptions;
  readonly #listeners = new Set<TopicListener>();
  #subscription: Subscription | undefined;

  constructor(options: SharedTopicOptions) {
    this.ref = options.ref;
    this.#options = options;
    this.#subscription = options.inner.subscribe(options.ref, this);
  }

  attach(listener: TopicListener): Subscription {
    // Wrapped, so that one listener may be attached twice.
    const own: TopicListener = {
      onMessage: (message) => listener.onMessage(message),
      onLagged: (count) => listener.onLagged(count),
      onClosed: (error) => listener.onClosed(error),
    };
    this.#listeners.add(own);
    return {
      close: () => {
        if (this.#listeners.delete(own) && this.#listeners.size === 0) this.close();
      },
    };
  }

  onMessage(message: TopicMessage): void {
    this.#tell((listener) => listener.onMessage(message));
  }

  onLagged(count: number): void {
    this.#tell((listener) => listener.onLagged(count));
  }

  onClosed(error: ConatError): void {
    const listeners = [...this.#listeners];
    this.close();
    for (const listener of listeners) listener.onClosed(error);
  }

  close(): void {
    this.#listeners.clear();
    if (this.#subscription === undefined) return;
    this.#subscription.close();
    this.#subscription = undefined;
    this.#options.onEnded(this);
  }

  #tell(call: (listener: TopicListener) => void): void {
    for (const listener of this.#listeners) {
      try {
        call(listener);
      } catch (error) {
        this.#options.onListenerError(error);
      }
    }
  }
}
