import type {
  Entry,
  Feed,
  FeedEvent,
  FeedListener,
  Mutation,
  OpenStoreOptions,
  Session,
  SessionStatus,
  StoreInfo,
  StoreRef,
  Subscription,
  TopicListener,
  TopicMessage,
  TopicRef,
  WriteResult,
} from "@conat/conat/internal";

export interface ScriptedFeed {
  readonly ref: StoreRef;
  readonly options: OpenStoreOptions | undefined;
  readonly tell: FeedListener;
  isClosed: boolean;
}

export interface ScriptedSubscription {
  readonly ref: TopicRef;
  readonly listener: TopicListener;
  isClosed: boolean;
}

/** A session below that does what a test says, for orders of events that a server produces only now and then. */
export class ScriptedSession implements Session {
  readonly origin = "below";
  readonly status: SessionStatus = { state: "ready", error: undefined, attempt: 0 };
  readonly feeds: ScriptedFeed[] = [];
  readonly subscriptions: ScriptedSubscription[] = [];
  readonly writes: { ref: StoreRef; mutations: readonly Mutation[] }[] = [];
  readonly destroyed: StoreRef[] = [];
  readonly published: { topic: TopicRef; message: TopicMessage }[] = [];
  time = 1_000_000;
  isClosed = false;

  onStatus(): () => void {
    return () => undefined;
  }

  async ready(): Promise<void> {}

  serverTime(): number {
    return this.time;
  }

  nextWrite(): number {
    return 1;
  }

  openStore(ref: StoreRef, listener: FeedListener, options?: OpenStoreOptions): Feed {
    const feed: ScriptedFeed = { ref, options, tell: listener, isClosed: false };
    this.feeds.push(feed);
    return {
      close: () => {
        feed.isClosed = true;
      },
    };
  }

  write(
    ref: StoreRef,
    mutations: readonly Mutation[],
    onResult: (result: WriteResult) => void,
  ): void {
    this.writes.push({ ref, mutations });
    queueMicrotask(() => {
      for (const { write } of mutations) onResult({ write, ok: true, seq: 1, duplicate: false });
    });
  }

  async read(): Promise<Entry | undefined> {
    return undefined;
  }

  async listStores(): Promise<readonly StoreInfo[]> {
    return [];
  }

  async destroyStore(ref: StoreRef): Promise<void> {
    this.destroyed.push(ref);
  }

  publish(topic: TopicRef, message: TopicMessage): void {
    this.published.push({ topic, message });
  }

  subscribe(ref: TopicRef, listener: TopicListener): Subscription {
    const subscription: ScriptedSubscription = { ref, listener, isClosed: false };
    this.subscriptions.push(subscription);
    return {
      close: () => {
        subscription.isClosed = true;
      },
    };
  }

  async close(): Promise<void> {
    this.isClosed = true;
  }

  /** The only feed that is open, or the last of several. */
  get feed(): ScriptedFeed {
    const feed = this.feeds.findLast((one) => !one.isClosed);
    if (feed === undefined) throw new Error("no feed is open");
    return feed;
  }
}

/** What a reader of a feed makes of its events: the keys it holds, and what it was told. */
export class Reader {
  readonly events: FeedEvent[] = [];
  readonly entries = new Map<string, Entry>();
  #snapshot: Set<string> | undefined;

  readonly listen = (event: FeedEvent): void => {
    this.events.push(event);
    if (event.type === "reset") this.#snapshot = event.mode === "full" ? new Set() : undefined;
    if (event.type === "entries") {
      for (const entry of event.batch.entries) {
        this.#snapshot?.add(entry.key);
        const known = this.entries.get(entry.key);
        if (known === undefined || known.seq < entry.seq) this.entries.set(entry.key, entry);
      }
    }
    if (event.type === "synced" && this.#snapshot) {
      for (const key of this.entries.keys()) {
        if (!this.#snapshot.has(key)) this.entries.delete(key);
      }
      this.#snapshot = undefined;
    }
  };

  /** Types of the events so far, a reset with its mode. */
  get story(): string[] {
    return this.events.map((event) =>
      event.type === "reset" ? `reset ${event.mode}` : event.type,
    );
  }

  /** Keys with a value, in alphabetical order. */
  get keys(): string[] {
    return [...this.entries.values()]
      .filter((entry) => entry.kind === "put")
      .map((entry) => entry.key)
      .sort();
  }
}
