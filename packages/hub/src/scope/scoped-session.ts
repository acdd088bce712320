import {
  ConatError,
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
import { authorizeScope, authorizeStore, authorizeTopic } from "./authorize.ts";
import { type Identity, principalTag } from "./identity.ts";
import { refuseMutation } from "./mutation-limits.ts";

export interface ScopedSessionOptions {
  readonly identity: Identity;
  /** Instance id of the client; its origin is this, bound to the identity. */
  readonly client: string;
  /** @default MAX_VALUE_BYTES */
  readonly maxValueBytes?: number | undefined;
  /** While it says so nothing is delivered; whoever says so closes this session. @default never */
  readonly isFenced?: (() => boolean) | undefined;
}

/**
 * What one identity may see and do of `inner`. Every call is checked against the policy, and everything it writes or
 * publishes carries its own origin whatever the caller put there. Closing it leaves `inner` open.
 */
export class ScopedSession implements Session {
  readonly origin: string;
  #identity: Identity;
  readonly #inner: Session;
  readonly #maxValueBytes: number;
  readonly #isFenced: () => boolean;
  /** What was opened through this session; each ends with the error it is given. */
  readonly #open = new Map<(error: ConatError) => void, Recheck>();
  readonly #statusListeners = new Map<(status: SessionStatus) => void, () => void>();
  #lastWrite = 0;
  #closed = false;

  constructor(inner: Session, options: ScopedSessionOptions) {
    this.#inner = inner;
    this.#identity = options.identity;
    this.origin = `${principalTag(options.identity)}.${options.client}`;
    this.#isFenced = options.isFenced ?? (() => false);
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
    for (const [end, recheck] of [...this.#open]) {
      try {
        recheck();
      } catch (thrown) {
        end(toRevoked(thrown));
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
    this.#statusListeners.set(own, this.#inner.onStatus(own));
    return () => {
      this.#statusListeners.get(own)?.();
      this.#statusListeners.delete(own);
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

  openStore(ref: StoreRef, listener: FeedListener, options?: OpenStoreOptions): Feed {
    try {
      if (this.#closed) throw closedError();
      const authorized = authorizeStore(this.#identity, "read", ref);
      return this.#track(
        this.#inner.openStore(
          authorized,
          (event) => {
            if (!this.#isFenced()) listener(event);
          },
          options,
        ),
        (error) => listener({ type: "closed", error }),
        () => authorizeStore(this.#identity, "read", ref),
      );
    } catch (thrown) {
      const error = toConatError(thrown);
      return refuse(() => listener({ type: "closed", error }));
    }
  }

  write(
    ref: StoreRef,
    mutations: readonly Mutation[],
    onResult: (result: WriteResult) => void,
  ): void {
    const refused: WriteResult[] = [];
    try {
      if (this.#closed) throw closedError();
      const authorized = authorizeStore(this.#identity, "write", ref);
      const accepted: Mutation[] = [];
      for (const mutation of mutations) {
        const error = refuseMutation(mutation, this.#maxValueBytes);
        if (error) refused.push({ write: mutation.write, ok: false, error });
        else accepted.push(this.#stamp(mutation));
      }
      if (accepted.length > 0) this.#inner.write(authorized, accepted, onResult);
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

  async read(ref: StoreRef, key: string): Promise<Entry | undefined> {
    if (this.#closed) throw closedError();
    const authorized = authorizeStore(this.#identity, "read", ref);
    const entry = await this.#inner.read(authorized, parseName("a key", key));
    // Rights may have gone while the answer was under way.
    authorizeStore(this.#identity, "read", ref);
    return entry;
  }

  async listStores(scope: Scope): Promise<readonly StoreInfo[]> {
    if (this.#closed) throw closedError();
    return this.#inner.listStores(authorizeScope(this.#identity, "list", scope));
  }

  async destroyStore(ref: StoreRef): Promise<void> {
    if (this.#closed) throw closedError();
    return this.#inner.destroyStore(authorizeStore(this.#identity, "destroy", ref));
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
      return this.#track(
        this.#inner.subscribe(authorized, {
          onMessage: (message) => {
            if (!this.#isFenced()) listener.onMessage(message);
          },
          onLagged: (count) => listener.onLagged(count),
          onClosed: (error) => listener.onClosed(error),
        }),
        (error) => listener.onClosed(error),
        () => authorizeTopic(this.#identity, "subscribe", topic),
      );
    } catch (thrown) {
      const error = toConatError(thrown);
      return refuse(() => listener.onClosed(error));
    }
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    for (const end of [...this.#open.keys()]) end(closedError());
    for (const [listener, stop] of [...this.#statusListeners]) {
      stop();
      listener(CLOSED_STATUS);
    }
    this.#statusListeners.clear();
  }

  #stamp(mutation: Mutation): Mutation {
    return mutation.origin === this.origin ? mutation : { ...mutation, origin: this.origin };
  }

  #track(
    opened: { close(): void },
    tell: (error: ConatError) => void,
    recheck: Recheck,
  ): { close(): void } {
    const end = (error: ConatError): void => {
      if (!this.#open.delete(end)) return;
      opened.close();
      tell(error);
    };
    this.#open.set(end, recheck);
    return {
      close: () => {
        this.#open.delete(end);
        opened.close();
      },
    };
  }
}

/** Throws when what was opened may not be open any more. */
type Recheck = () => void;

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
