import { type Checkpoint, ConatError, type StoreRef, toConatError } from "@conat/conat/internal";
import { type Authorized, authorizeStore } from "../scope/authorize.ts";
import { type ScopedSession, toRevoked } from "../scope/scoped-session.ts";
import type { ConnectionContext } from "./connection-context.ts";
import { type ConnectionChannel, FeedRelay, type FeedRelayHost } from "./feed-relay.ts";
import type { Outbox } from "./outbox.ts";

/** The feeds that one connection holds open. */
export class Feeds implements FeedRelayHost {
  readonly #context: ConnectionContext;
  readonly #relays = new Map<number, FeedRelay>();
  /** Relays that have something to send, in the order of their turn; `undefined` when none has. */
  #backlog: Set<FeedRelay> | undefined;
  #isPumping = false;

  constructor(context: ConnectionContext) {
    this.#context = context;
  }

  get session(): ScopedSession {
    return this.#context.session;
  }

  get outbox(): Outbox {
    return this.#context.outbox;
  }

  get maxWaitingBytes(): number {
    return this.#context.limits.maxOutboxBytes;
  }

  get size(): number {
    return this.#relays.size;
  }

  /** Feeds that have something to send and no room for it. */
  get waiting(): number {
    return this.#backlog?.size ?? 0;
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
    this.onEnded(relay);
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
    const backlog = this.#backlog;
    if (this.#isPumping || backlog === undefined) return;
    this.#isPumping = true;
    try {
      // A relay that is added again goes to the end, so the loop goes round until nothing is left or all is full.
      for (const relay of backlog) {
        if (outbox.bytes >= limits.snapshotWindowBytes) return;
        backlog.delete(relay);
        if (relay.advance()) backlog.add(relay);
      }
      this.#backlog = undefined;
    } finally {
      this.#isPumping = false;
    }
  }

  onBacklog(relay: FeedRelay): void {
    this.#backlog ??= new Set();
    this.#backlog.add(relay);
    this.pump();
  }

  onReady(openedAt: number): void {
    this.#context.tally.time("open", openedAt);
  }

  onSlow(): void {
    this.#context.tally.slowReaders += 1;
  }

  onEnded(relay: FeedRelay): void {
    if (!this.#relays.delete(relay.id)) return;
    this.#backlog?.delete(relay);
    this.#context.quota.countStores(-1);
    relay.channel.feeds -= 1;
    this.#context.stores.release(relay.channel.channel);
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
    const audience = this.session.audienceKeyOf(ref);
    this.#context.quota.countStores(1);
    const relay = new FeedRelay({ id, audience, channel: this.#join(ref), host: this });
    this.#relays.set(id, relay);
    relay.open(since);
  }

  #join(ref: Authorized<StoreRef>): ConnectionChannel {
    const channel = this.#context.stores.acquire(ref);
    for (const { channel: joined } of this.#relays.values()) {
      if (joined.channel !== channel) continue;
      joined.feeds += 1;
      return joined;
    }
    return { channel, feeds: 1, lastSent: undefined };
  }
}
