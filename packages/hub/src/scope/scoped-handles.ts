import type {
  Checkpoint,
  ConatError,
  Feed,
  FeedEvent,
  FeedListener,
  StoreRef,
  Subscription,
  TopicListener,
  TopicMessage,
} from "@conat/conat/internal";
import type { Audience } from "../rules/rule-book.ts";

/** Something that was opened through a session of one identity. */
export interface Opened {
  /** @throws ConatError when it may not be open any more */
  recheck(): void;
  /** Ends it, and tells why. */
  end(error: ConatError): void;
}

/** The session, as what was opened through it needs it. */
export interface OpenedHost {
  readonly isFenced: () => boolean;
  /** What the identity sees of a store now. @throws ConatError `forbidden` when that is nothing */
  audienceOf(ref: StoreRef): Audience;
  openFor(
    audience: Audience,
    ref: StoreRef,
    listener: FeedListener,
    since: Checkpoint | undefined,
  ): Feed;
  /** It has ended. Answers whether it had not before. */
  forget(opened: Opened): boolean;
}

/** A feed of what one identity may see. */
export class ScopedFeed implements Feed, Opened {
  readonly #host: OpenedHost;
  readonly #ref: StoreRef;
  readonly #listener: FeedListener;
  #audienceKey: string | undefined;
  #feed: Feed;

  /** @throws ConatError `forbidden` when the identity may see nothing */
  constructor(
    host: OpenedHost,
    ref: StoreRef,
    listener: FeedListener,
    since: Checkpoint | undefined,
  ) {
    this.#host = host;
    this.#ref = ref;
    this.#listener = listener;
    this.#feed = this.#open(host.audienceOf(ref), since);
  }

  recheck(): void {
    const audience = this.#host.audienceOf(this.#ref);
    if (audience.key === this.#audienceKey) return;
    this.#feed.close();
    this.#feed = this.#open(audience, undefined);
  }

  end(error: ConatError): void {
    if (!this.#host.forget(this)) return;
    this.#feed.close();
    this.#listener({ type: "closed", error });
  }

  close(): void {
    this.#host.forget(this);
    this.#feed.close();
  }

  #open(audience: Audience, since: Checkpoint | undefined): Feed {
    this.#audienceKey = audience.key;
    return this.#host.openFor(audience, this.#ref, this.#onEvent.bind(this), since);
  }

  #onEvent(event: FeedEvent): void {
    if (!this.#host.isFenced()) this.#listener(event);
  }
}

export interface ScopedSubscriptionOptions {
  readonly host: OpenedHost;
  readonly listener: TopicListener;
  readonly subscribe: (listener: TopicListener) => Subscription;
  /** @throws ConatError when the identity may not listen any more */
  readonly recheck: () => void;
}

/** A subscription of one identity. */
export class ScopedSubscription implements Subscription, Opened {
  readonly #options: ScopedSubscriptionOptions;
  readonly #subscription: Subscription;

  constructor(options: ScopedSubscriptionOptions) {
    const { host, listener } = options;
    this.#options = options;
    this.#subscription = options.subscribe({
      onMessage: (message: TopicMessage) => {
        if (!host.isFenced()) listener.onMessage(message);
      },
      onLagged: (count) => listener.onLagged(count),
      onClosed: (error) => listener.onClosed(error),
    });
  }

  recheck(): void {
    this.#options.recheck();
  }

  end(error: ConatError): void {
    if (!this.#options.host.forget(this)) return;
    this.#subscription.close();
    this.#options.listener.onClosed(error);
  }

  close(): void {
    this.#options.host.forget(this);
    this.#subscription.close();
  }
}
