import {
  type Checkpoint,
  ConatError,
  createEntry,
  type Entry,
  type Feed,
  type FeedListener,
  MAX_VALUE_BYTES,
  type Mutation,
  type OpenStoreOptions,
  parseName,
  type Scope,
  type Session,
  type SessionStatus,
  type StoreInfo,
  type StoreRef,
  type Subscription,
  type TopicListener,
  type TopicMessage,
  type TopicRef,
  toConatError,
  type WriteResult,
} from "@conat/conat/internal";
import { isFiltered } from "../rules/audience-feed.ts";
import { type Audience, denied, RuleBook } from "../rules/rule-book.ts";
import { RuledWrites } from "../rules/ruled-writes.ts";
import { authorizeScope, authorizeStore, authorizeTopic } from "./authorize.ts";
import { type Identity, principalTag } from "./identity.ts";
import { refuseMutation } from "./mutation-limits.ts";
import { type Opened, type OpenedHost, ScopedFeed, ScopedSubscription } from "./scoped-handles.ts";

/** The rules in force, and the views that they make of stores. */
export interface ScopedRules {
  book(): RuleBook;
  openView(ref: StoreRef, audience: Audience, key: string, listener: FeedListener): Feed;
}

const NO_BOOK = new RuleBook([], () => undefined);
const NO_RULES: ScopedRules = {
  book: () => NO_BOOK,
  openView: () => {
    throw new ConatError("internal", "without rules everybody sees everything");
  },
};

export interface ScopedSessionOptions {
  readonly identity: Identity;
  /** Instance id of the client; its origin is this, bound to the identity. */
  readonly client: string;
  /** @default MAX_VALUE_BYTES */
  readonly maxValueBytes?: number | undefined;
  /** The application's rules. @default none: roles decide alone */
  readonly rules?: ScopedRules | undefined;
  /** While it says so nothing is delivered or written; whoever says so closes this session. @default never */
  readonly isFenced?: (() => boolean) | undefined;
}

/**
 * What one identity may see and do of `inner`. Every call is checked against the policy, and everything it writes or
 * publishes carries its own origin whatever the caller put there. Closing it leaves `inner` open.
 */
export class ScopedSession implements Session, OpenedHost {
  readonly origin: string;
  #identity: Identity;
  readonly #inner: Session;
  readonly #maxValueBytes: number;
  readonly isFenced: () => boolean;
  readonly #rules: ScopedRules;
  /** Made for the first write that rules decide about. */
  #ruledWrites: RuledWrites | undefined;
  readonly #open = new Set<Opened>();
  #statusListeners: Map<(status: SessionStatus) => void, () => void> | undefined;
  #lastWrite = 0;
  #closed = false;

  constructor(inner: Session, options: ScopedSessionOptions) {
    this.#inner = inner;
    this.#identity = options.identity;
    this.origin = `${principalTag(options.identity)}.${options.client}`;
    this.#rules = options.rules ?? NO_RULES;
    this.isFenced = options.isFenced ?? (() => false);
    this.#maxValueBytes = options.maxValueBytes ?? MAX_VALUE_BYTES;
  }

  get identity(): Identity {
    return this.#identity;
  }

  /** Gives the same principal other rights: what they do not cover any more ends with `revoked`. */
  setIdentity(identity: Identity): void {
    if (principalTag(identity) !== principalTag(this.#identity)) {
      throw new ConatError("internal", "a session belongs to one principal");
    }
    this.#identity = identity;
    this.recheck();
  }

  /** Ends with `revoked` what may not be open any more, and opens anew what shows something else now. */
  recheck(): void {
    for (const opened of [...this.#open]) {
      try {
        opened.recheck();
      } catch (thrown) {
        opened.end(toRevoked(thrown));
      }
    }
  }

  get status(): SessionStatus {
    return this.#closed ? CLOSED_STATUS : this.#inner.status;
  }

  onStatus(listener: (status: SessionStatus) => void): () => void {
    if (this.#closed) return () => undefined;
    // Wrapped, so that one listener may be added twice.
    const own = (status: SessionStatus): void => listener(status);
    this.#statusListeners ??= new Map();
    this.#statusListeners.set(own, this.#inner.onStatus(own));
    return () => {
      this.#statusListeners?.get(own)?.();
      this.#statusListeners?.delete(own);
    };
  }

  async ready(timeoutMs?: number): Promise<void> {
    if (this.#closed) throw closedError();
    return this.#inner.ready(timeoutMs);
  }

  serverTime(): number {
    return this.#inner.serverTime();
  }

  nextWrite(): number {
    this.#lastWrite += 1;
    return this.#lastWrite;
  }

  openStore(ref: StoreRef, listener: FeedListener, { since }: OpenStoreOptions = {}): Feed {
    try {
      if (this.#closed) throw closedError();
      const feed = new ScopedFeed(this, ref, listener, since);
      this.#open.add(feed);
      return feed;
    } catch (thrown) {
      const error = toConatError(thrown);
      return refuse(() => listener({ type: "closed", error }));
    }
  }

  /**
   * Tells apart what this identity sees of a store from what others see; `undefined` where that is everything.
   * @throws ConatError `forbidden` when it is nothing
   */
  audienceKeyOf(ref: StoreRef): string | undefined {
    return this.audienceOf(ref).key;
  }

  /** @throws ConatError `forbidden` when the role or the rules let it see nothing */
  audienceOf(ref: StoreRef): Audience {
    const authorized = authorizeStore(this.#identity, "read", ref);
    return this.#rules.book().audienceOf(this.#identity, authorized);
  }

  openFor(
    audience: Audience,
    ref: StoreRef,
    listener: FeedListener,
    since: Checkpoint | undefined,
  ): Feed {
    if (audience.key === undefined) {
      // Who did not see everything before cannot be told only what has changed.
      const known = since && !isFiltered(since.epoch) ? since : undefined;
      return this.#inner.openStore(ref, listener, { since: known });
    }
    return this.#rules.openView(ref, audience, audience.key, listener);
  }

  forget(opened: Opened): boolean {
    return this.#open.delete(opened);
  }

  write(
    ref: StoreRef,
    mutations: readonly Mutation[],
    onResult: (result: WriteResult) => void,
  ): void {
    const refused: WriteResult[] = [];
    try {
      if (this.#closed) throw closedError();
      // What a hub reads after it has stood still may be long since written by way of another hub.
      if (this.isFenced()) throw new ConatError("unavailable", "this hub was cut off; not stored");
      const authorized = authorizeStore(this.#identity, "write", ref);
      const accepted: Mutation[] = [];
      for (const mutation of mutations) {
        const error = refuseMutation(mutation, this.#maxValueBytes);
        if (error) refused.push({ write: mutation.write, ok: false, error });
        else accepted.push(this.#stamp(mutation));
      }
      this.#send(authorized, accepted, onResult);
    } catch (thrown) {
      const error = toConatError(thrown);
      refused.length = 0;
      for (const { write } of mutations) refused.push({ write, ok: false, error });
    }
    if (refused.length > 0) {
      queueMicrotask(() => {
        for (const result of refused) onResult(result);
      });
    }
  }

  #send(
    ref: StoreRef,
    mutations: readonly Mutation[],
    onResult: (result: WriteResult) => void,
  ): void {
    if (mutations.length === 0) return;
    const book = this.#rules.book();
    // Rights may be others when the answer comes.
    const tell = (result: WriteResult): void => onResult(this.#hideCurrent(ref, result));
    if (book.allowsAllWrites(this.#identity, ref)) this.#inner.write(ref, mutations, tell);
    else {
      this.#ruledWrites ??= this.#createRuledWrites();
      this.#ruledWrites.write(ref, mutations, tell);
    }
  }

  #createRuledWrites(): RuledWrites {
    return new RuledWrites({
      inner: this.#inner,
      book: () => this.#rules.book(),
      authorize: (ref) => {
        authorizeStore(this.#identity, "write", ref);
        return this.#identity;
      },
    });
  }

  /** A conflict tells what is stored only to those who may read it. */
  #hideCurrent(ref: StoreRef, result: WriteResult): WriteResult {
    if (result.ok || result.error.current === undefined) return result;
    const { kind, message, current } = result.error;
    try {
      if (this.audienceOf(ref).canRead(current)) return result;
    } catch {
      // Nothing of the store may be read.
    }
    return { ...result, error: new ConatError(kind, message) };
  }

  async read(ref: StoreRef, key: string): Promise<Entry | undefined> {
    if (this.#closed) throw closedError();
    const name = parseName("a key", key);
    this.audienceOf(ref);
    const entry = await this.#inner.read(ref, name);
    // Rights may have gone while the answer was under way.
    const audience = this.audienceOf(ref);
    if (!audience.canRead(entry ?? createEntry({ key: name, seq: 0, time: 0, kind: "delete" }))) {
      throw denied(this.#identity, "read", ref);
    }
    return entry;
  }

  async listStores(scope: Scope): Promise<readonly StoreInfo[]> {
    if (this.#closed) throw closedError();
    const stores = await this.#inner.listStores(authorizeScope(this.#identity, "list", scope));
    // Rights may have gone while the answer was under way.
    authorizeScope(this.#identity, "list", scope);
    return stores;
  }

  async destroyStore(ref: StoreRef): Promise<void> {
    if (this.#closed) throw closedError();
    const authorized = authorizeStore(this.#identity, "destroy", ref);
    if (!this.#rules.book().allowsAllWrites(this.#identity, ref)) {
      throw denied(this.#identity, "write", ref);
    }
    return this.#inner.destroyStore(authorized);
  }

  /** @throws ConatError `forbidden`, `bad-name` or `value-too-large`. */
  publish(topic: TopicRef, message: TopicMessage): void {
    if (this.#closed) return;
    const authorized = authorizeTopic(this.#identity, "publish", topic);
    if (message.data.length > this.#maxValueBytes) {
      throw new ConatError(
        "value-too-large",
        `the message is ${message.data.length} bytes, and ${this.#maxValueBytes} is the most`,
      );
    }
    this.#inner.publish(authorized, { data: message.data, origin: this.origin });
  }

  subscribe(topic: TopicRef, listener: TopicListener): Subscription {
    try {
      if (this.#closed) throw closedError();
      const authorized = authorizeTopic(this.#identity, "subscribe", topic);
      const subscription = new ScopedSubscription({
        host: this,
        listener,
        subscribe: (guarded) => this.#inner.subscribe(authorized, guarded),
        recheck: () => authorizeTopic(this.#identity, "subscribe", topic),
      });
      this.#open.add(subscription);
      return subscription;
    } catch (thrown) {
      const error = toConatError(thrown);
      return refuse(() => listener.onClosed(error));
    }
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    for (const opened of [...this.#open]) opened.end(closedError());
    for (const [listener, stop] of [...(this.#statusListeners ?? [])]) {
      stop();
      listener(CLOSED_STATUS);
    }
    this.#statusListeners = undefined;
  }

  #stamp(mutation: Mutation): Mutation {
    return mutation.origin === this.origin ? mutation : { ...mutation, origin: this.origin };
  }
}

/** A right that was there and is gone, for whoever relied on it. */
export function toRevoked(thrown: unknown): ConatError {
  const { message } = toConatError(thrown);
  return new ConatError("revoked", message.replace(" may not ", " may no longer "));
}

const CLOSED_STATUS: SessionStatus = { state: "closed", error: undefined, attempt: 0 };

function closedError(): ConatError {
  return new ConatError("closed", "this session is closed");
}

/** Tells of a refusal after the caller has its handle, unless the caller closes that first. */
function refuse(tell: () => void): { close(): void } {
  let wanted = true;
  queueMicrotask(() => {
    if (wanted) tell();
  });
  return {
    close: () => {
      wanted = false;
    },
  };
}
