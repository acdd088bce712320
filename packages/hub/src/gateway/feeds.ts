import {
  type Checkpoint,
  ConatError,
  type StoreRef,
  storeKey,
  toConatError,
} from "@conat/conat/internal";
import { type Authorized, authorizeStore } from "../scope/authorize.ts";
import { toRevoked } from "../scope/scoped-session.ts";
import type { ConnectionContext } from "./connection-context.ts";
import { type ConnectionChannel, FeedRelay } from "./feed-relay.ts";

/** The feeds that one connection holds open. */
export class Feeds {
  readonly #context: ConnectionContext;
  readonly #relays = new Map<number, FeedRelay>();
  readonly #channels = new Map<string, ConnectionChannel>();
  /** Relays that have something to send, in the order of their turn. */
  readonly #backlog = new Set<FeedRelay>();
  #isPumping = false;

  constructor(context: ConnectionContext) {
    this.#context = context;
  }

  get size(): number {
    return this.#relays.size;
  }

  /** Feeds that have something to send and no room for it. */
  get waiting(): number {
    return this.#backlog.size;
  }

  open(id: number, ref: StoreRef, since: Checkpoint | undefined): void {
    try {
      this.#checkRoom(id);
      this.#open(id, authorizeStore(this.#context.session.identity, "read", ref), since);
    } catch (error) {
      this.#context.refuse(toConatError(error), ({ kind, message }) =>
        this.#context.outbox.send("closed", id, kind, message),
      );
    }
  }

  close(id: number): void {
    const relay = this.#relays.get(id);
    if (relay === undefined) return;
    relay.close();
    this.#forget(relay);
  }

  /** Ends the feeds that the identity's rights do not cover any more, those that wait included. */
  recheck(): void {
    for (const relay of [...this.#relays.values()]) {
      try {
        relay.recheck();
      } catch (thrown) {
        relay.end(toRevoked(thrown));
      }
    }
  }

  closeAll(): void {
    for (const id of [...this.#relays.keys()]) this.close(id);
  }

  /** Sends what waits, one thing of each feed in turn, while the client reads. */
  pump(): void {
    const { outbox, limits } = this.#context;
    if (this.#isPumping) return;
    this.#isPumping = true;
    try {
      // A relay that is added again goes to the end, so the loop goes round until nothing is left or all is full.
      for (const relay of this.#backlog) {
        if (outbox.bytes >= limits.snapshotWindowBytes) return;
        this.#backlog.delete(relay);
        if (relay.advance()) this.#backlog.add(relay);
      }
    } finally {
      this.#isPumping = false;
    }
  }

  #checkRoom(id: number): void {
    const { maxOpenStores } = this.#context.limits;
    if (this.#relays.has(id)) {
      throw new ConatError("bad-request", `feed ${id} of this connection is already open`);
    }
    if (this.#relays.size >= maxOpenStores) {
      throw new ConatError(
        "limit-exceeded",
        `this connection has ${maxOpenStores} stores open, which is the most: close one first`,
      );
    }
  }

  #open(id: number, ref: Authorized<StoreRef>, since: Checkpoint | undefined): void {
    const { session, outbox, limits, tally } = this.#context;
    const audience = session.audienceKeyOf(ref);
    this.#context.quota.countStores(1);
    const startedAt = performance.now();
    const relay = new FeedRelay({
      audience,
      id,
      ref,
      session,
      outbox,
      channel: this.#join(ref),
      maxWaitingBytes: limits.maxOutboxBytes,
      onBacklog: (waiting) => {
        this.#backlog.add(waiting);
        this.pump();
      },
      onReady: () => tally.time("open", startedAt),
      onSlow: () => {
        tally.slowReaders += 1;
      },
      onEnded: (ended) => this.#forget(ended),
    });
    this.#relays.set(id, relay);
    relay.open(since);
  }

  #join(ref: Authorized<StoreRef>): ConnectionChannel {
    const key = storeKey(ref);
    const joined = this.#channels.get(key) ?? {
      channel: this.#context.stores.acquire(ref),
      feeds: 0,
      lastSent: undefined,
    };
    joined.feeds += 1;
    this.#channels.set(key, joined);
    return joined;
  }

  #forget(relay: FeedRelay): void {
    if (!this.#relays.delete(relay.id)) return;
    this.#backlog.delete(relay);
    this.#context.quota.countStores(-1);
    const joined = relay.channel;
    joined.feeds -= 1;
    if (joined.feeds > 0) return;
    this.#channels.delete(joined.channel.key);
    this.#context.stores.release(joined.channel);
  }
}
