import { decodeBlock } from "../protocol/block.ts";
import { type ConatError, recoveryFor } from "../protocol/conat-error.ts";
import type { Entry } from "../protocol/entry.ts";
import type { HubEvents } from "../protocol/events.ts";
import type { Checkpoint } from "../protocol/feed-position.ts";
import { toWireStoreRef, type WireStoreRef } from "../protocol/messages/common.ts";
import type { StoreRef } from "../protocol/scope.ts";
import { toHubError } from "../transport/hub-error.ts";
import { tell } from "../util/tell.ts";
import type { HubPart, HubUplink } from "./hub-part.ts";
import type { Feed, FeedEvent, FeedListener, OpenStoreOptions } from "./session.ts";

/**
 * How long before a connection's loss its live feeds were certainly complete, in milliseconds: longer than the
 * heartbeat bound (15 s) and the hub's check of the store's head (20 s) together.
 */
const CERTAIN_BEFORE_LOSS_MS = 60_000;

/** How long to wait before a feed is asked for again that the hub could not open now, in milliseconds, on average. */
const ASK_AGAIN_MS = 1_000;

interface OpenFeed {
  readonly id: number;
  readonly ref: WireStoreRef;
  readonly listener: FeedListener;
  /** How far the listener has got: where the next connection continues. */
  reached: Checkpoint | undefined;
  /** Up to here a hub has held what it told against what is stored; who says nothing of that is believed. */
  verified: number;
  readonly told: (verified: number) => number[];
  channel: number | undefined;
  /** Between `synced` and the next `reset`: what arrives is complete. */
  live: boolean;
}

/** The open feeds of a hub session: names each by an id, and opens them again wherever the session connects next. */
export class HubFeeds implements HubPart {
  readonly #uplink: HubUplink;
  readonly #feeds = new Map<number, OpenFeed>();
  readonly #channels = new Map<number, Set<OpenFeed>>();
  #lastId = 0;
  /** Counts connections: each asks for every feed by itself. */
  #attempt = 0;

  constructor(uplink: HubUplink) {
    this.#uplink = uplink;
  }

  open(
    ref: StoreRef,
    listener: FeedListener,
    { since, told = () => [] }: OpenStoreOptions = {},
  ): Feed {
    this.#lastId += 1;
    const feed: OpenFeed = {
      id: this.#lastId,
      ref: toWireStoreRef(ref),
      listener,
      reached: since,
      verified: Number.POSITIVE_INFINITY,
      told,
      channel: undefined,
      live: false,
    };
    this.#feeds.set(feed.id, feed);
    const { ended } = this.#uplink.connection;
    if (ended) queueMicrotask(() => this.#end(feed, ended));
    else if (this.#uplink.connection.connected) this.#request(feed);
    return {
      close: () => {
        if (this.#forget(feed) && this.#uplink.connection.connected)
          this.#uplink.send("close", feed.id);
      },
    };
  }

  onConnected(): void {
    for (const feed of this.#feeds.values()) this.#request(feed);
  }

  onDisconnected(error: ConatError): void {
    this.#attempt += 1;
    this.#channels.clear();
    const certainTime = Math.floor(this.#uplink.safeServerTime()) - CERTAIN_BEFORE_LOSS_MS;
    for (const feed of [...this.#feeds.values()]) {
      if (feed.live && feed.reached) {
        feed.reached = { ...feed.reached, time: Math.max(feed.reached.time, certainTime) };
      }
      feed.channel = undefined;
      feed.live = false;
      tell(feed.listener, { type: "stale", error });
    }
  }

  onEnded(error: ConatError): void {
    for (const feed of [...this.#feeds.values()]) this.#end(feed, error);
  }

  readonly receivers = {
    reset: (id, channel, mode, epoch, durability) => {
      const feed = this.#feeds.get(id);
      if (feed === undefined) return;
      this.#leaveChannel(feed);
      const readers = this.#channels.get(channel) ?? new Set();
      this.#channels.set(channel, readers.add(feed));
      feed.channel = channel;
      feed.live = false;
      if (feed.reached?.epoch !== epoch) feed.reached = undefined;
      tell(feed.listener, {
        type: "reset",
        mode: mode === 0 ? "full" : "delta",
        epoch,
        durability,
      });
    },
    snapshot: (id, block) => {
      const feed = this.#feeds.get(id);
      if (feed === undefined) return;
      const batch = { entries: decodeBlock(block), position: 0 };
      tell(feed.listener, { type: "entries", batch });
    },
    synced: (id, [epoch, seq, time]) => {
      const feed = this.#feeds.get(id);
      if (feed === undefined) return;
      feed.live = true;
      feed.reached = { epoch, seq, time };
      tell(feed.listener, { type: "synced", checkpoint: feed.reached });
    },
    live: (channel, block, position) => {
      const readers = this.#channels.get(channel);
      if (readers === undefined) return;
      const batch = { entries: decodeBlock(block), position };
      const event: FeedEvent = { type: "entries", batch };
      for (const feed of readers) {
        advance(feed, position, batch.entries);
        tell(feed.listener, event);
      }
    },
    verified: (channel, seq) => {
      for (const feed of this.#channels.get(channel) ?? []) if (feed.live) feed.verified = seq;
    },
    stale: (id, kind, message) => {
      const feed = this.#feeds.get(id);
      if (feed === undefined) return;
      feed.live = false;
      tell(feed.listener, { type: "stale", error: toHubError(kind, message) });
    },
    closed: (id, kind, message) => {
      const feed = this.#feeds.get(id);
      if (feed === undefined) return;
      const error = toHubError(kind, message);
      if (recoveryFor(error.kind) === "retry") this.#askAgain(feed, error);
      else this.#end(feed, error);
    },
  } satisfies Partial<HubEvents>;

  #request({ id, ref, reached, verified, told }: OpenFeed): void {
    if (!reached) {
      this.#uplink.send("open", id, ref, null);
      return;
    }
    const { epoch, seq, time } = reached;
    const doubt: [[number, number[]]] | [] = verified < seq ? [[verified, told(verified)]] : [];
    this.#uplink.send("open", id, ref, [epoch, seq, time], ...doubt);
  }

  /** The hub cannot open the feed now. It asks again, in this connection or the next one. */
  #askAgain(feed: OpenFeed, error: ConatError): void {
    this.#leaveChannel(feed);
    feed.live = false;
    tell(feed.listener, { type: "stale", error });
    const { environment, connection } = this.#uplink;
    const delayMs = ASK_AGAIN_MS * (0.5 + environment.random());
    const attempt = this.#attempt;
    environment.startTimer(() => {
      const isWanted = this.#feeds.has(feed.id) && attempt === this.#attempt;
      if (isWanted && connection.connected) this.#request(feed);
    }, delayMs);
  }

  #end(feed: OpenFeed, error: ConatError): void {
    if (this.#forget(feed)) tell(feed.listener, { type: "closed", error });
  }

  #forget(feed: OpenFeed): boolean {
    this.#leaveChannel(feed);
    return this.#feeds.delete(feed.id);
  }

  #leaveChannel(feed: OpenFeed): void {
    if (feed.channel === undefined) return;
    const readers = this.#channels.get(feed.channel);
    readers?.delete(feed);
    if (readers?.size === 0) this.#channels.delete(feed.channel);
    feed.channel = undefined;
  }
}

/** A live block moves the checkpoint; between `reset` and `synced` older entries are still missing. */
function advance(feed: OpenFeed, position: number, entries: readonly Entry[]): void {
  const { live, reached } = feed;
  if (!live || !reached || position <= reached.seq) return;
  const time = Math.max(reached.time, entries.at(-1)?.time ?? 0);
  // Field by field: it is done for every change, and a spread costs several times as much.
  feed.reached = { epoch: reached.epoch, seq: position, time };
}
