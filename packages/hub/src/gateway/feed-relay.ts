import {
  type Checkpoint,
  ConatError,
  type EntryBatch,
  type Feed,
  type FeedEvent,
} from "@conat/conat/internal";
import type { ScopedSession } from "../scope/scoped-session.ts";
import { FeedQueue } from "./feed-queue.ts";
import type { Outbox } from "./outbox.ts";
import { blockOf, type StoreChannel } from "./store-fanout.ts";

/** One connection's part in a channel: two feeds of one store get each live frame once, as the client expects. */
export interface ConnectionChannel {
  readonly channel: StoreChannel;
  feeds: number;
  lastSent: EntryBatch | undefined;
}

/** What all relays of one connection share. A hub has a great many relays that do nothing: each must be small. */
export interface FeedRelayHost {
  readonly session: Pick<ScopedSession, "openStore" | "audienceKeyOf">;
  readonly outbox: Outbox;
  /** Bytes of live entries that may wait behind a snapshot. */
  readonly maxWaitingBytes: number;
  /** There is something to {@link FeedRelay.advance}. */
  onBacklog(relay: FeedRelay): void;
  /** The client has been sent all there was, for the first time since the feed was opened at that time. */
  onReady(openedAt: number): void;
  /** The feed has stopped because the client does not keep up. */
  onSlow(): void;
  /** The feed has ended for good; the client was told. */
  onEnded(relay: FeedRelay): void;
}

export interface FeedRelayOptions {
  readonly id: number;
  /** What part of the store this client sees: see {@link ScopedSession.audienceKeyOf}. */
  readonly audience: string | undefined;
  readonly channel: ConnectionChannel;
  readonly host: FeedRelayHost;
}

/**
 * Carries one feed to one client. Snapshots wait here and leave as the client reads; live entries leave at once,
 * encoded together for all. A client that does not keep up with them is told nothing until it has read what is on its
 * way, and then what has changed since: the latest of each key.
 */
export class FeedRelay {
  readonly id: number;
  readonly channel: ConnectionChannel;
  readonly #host: FeedRelayHost;
  /** What waits, if anything does. */
  #queue: FeedQueue | undefined;
  #feed: Feed | undefined;
  /** What the client was told last with `synced`. */
  #synced: Checkpoint | undefined;
  /** The last live entries sent since then whose position is known. */
  #lastLive: EntryBatch | undefined;
  /** The client was told `synced` and nothing waits: live entries go the short way. */
  #isLive = false;
  /** The client does not keep up: it is told nothing until it has read what is on its way. */
  #isPaused = false;
  /** Goes on after a pause: that says nothing new of how far what the client has is verified. */
  #goesOn = false;
  #isClosed = false;
  /** When it was opened, until the client has been sent all there was. */
  #openedAt: number | undefined = performance.now();
  #audience: string | undefined;

  constructor({ id, audience, channel, host }: FeedRelayOptions) {
    this.id = id;
    this.channel = channel;
    this.#audience = audience;
    this.#host = host;
  }

  /**
   * Looks again at what the client sees of the store; when that is something else now it gets it anew, and nothing of
   * what waits.
   * @throws ConatError `forbidden` when it may see nothing any more
   */
  recheck(): void {
    const audience = this.#host.session.audienceKeyOf(this.channel.channel.ref);
    if (audience === this.#audience) return;
    this.#audience = audience;
    this.#isLive = false;
    this.#synced = undefined;
    this.#lastLive = undefined;
    this.#queue = undefined;
    this.#resume();
  }

  open(since: Checkpoint | undefined): void {
    const listener = this.#onEvent.bind(this);
    this.#feed = this.#host.session.openStore(this.channel.channel.ref, listener, { since });
  }

  close(): void {
    this.#isClosed = true;
    this.#stopFeed();
    this.#queue = undefined;
  }

  /** Sends the next thing that waits, or ends a pause. Answers whether more is waiting. */
  advance(): boolean {
    if (this.#isClosed) return false;
    const event = this.#queue?.shift();
    if (this.#queue?.isEmpty) this.#queue = undefined;
    if (event) this.#send(event);
    if (this.#queue) return true;
    if (this.#isPaused) this.#resume();
    return false;
  }

  /** Opens the feed again where the client is. */
  #resume(): void {
    const reached = this.#reached();
    this.#isPaused = false;
    this.#goesOn = reached !== undefined;
    const before = this.#feed;
    this.open(reached);
    // After that, so that the store is never without a reader: what it knows of this one would go.
    before?.close();
  }

  #onEvent(event: FeedEvent): void {
    if (event.type === "closed") {
      this.end(event.error);
    } else if (this.#isPaused) {
      // It is open only so that what turns up late meanwhile is known to do so.
    } else if (event.type === "entries" && this.#isLive) {
      this.#sendLive(event.batch, event.mayLinger === true);
    } else if (event.type === "verified") {
      if (!this.#isLive) this.#queue?.push(event);
      else if (!this.#host.outbox.isFull) this.#sendVerified(event.seq);
    } else {
      this.#isLive = false;
      this.#queue ??= new FeedQueue();
      this.#queue.push(event);
      if (this.#queue.liveBytes > this.#host.maxWaitingBytes) {
        this.#queue.dropLive();
        this.#pause();
      } else {
        this.#host.onBacklog(this);
      }
    }
  }

  #send(event: FeedEvent): void {
    const { id } = this;
    const { outbox } = this.#host;
    switch (event.type) {
      case "reset": {
        const mode = event.mode === "full" ? 0 : 1;
        if (mode === 0) this.#goesOn = false;
        outbox.send("reset", id, this.channel.channel.number, mode, event.epoch, event.durability);
        break;
      }
      case "entries":
        outbox.send("snapshot", id, blockOf(event.batch));
        break;
      case "synced": {
        const { epoch, seq, time } = event.checkpoint;
        outbox.send("synced", id, [epoch, seq, time]);
        if (!this.#goesOn) this.#sendVerified(event.verified ?? seq);
        this.#goesOn = false;
        if (this.#openedAt !== undefined) this.#host.onReady(this.#openedAt);
        this.#openedAt = undefined;
        this.#synced = event.checkpoint;
        this.#lastLive = undefined;
        this.#isLive = this.#queue === undefined && !this.#isPaused;
        break;
      }
      case "verified":
        break;
      case "stale":
      case "closed":
        outbox.send(event.type, id, event.error.kind, event.error.message);
        break;
    }
  }

  #sendVerified(seq: number): void {
    this.#host.outbox.send("verified", this.channel.channel.number, seq);
  }

  #sendLive(batch: EntryBatch, mayLinger: boolean): void {
    const { outbox } = this.#host;
    if (outbox.isFull) {
      this.#pause();
      return;
    }
    if (batch.position > 0) this.#lastLive = batch;
    const { channel } = this;
    if (channel.feeds > 1) {
      if (channel.lastSent === batch) return;
      channel.lastSent = batch;
    }
    outbox.sendFrame(channel.channel.liveFrame(batch), mayLinger);
  }

  /** How far the client is when it has read what was sent. */
  #reached(): Checkpoint | undefined {
    const synced = this.#synced;
    const live = this.#lastLive;
    if (synced === undefined || live === undefined) return synced;
    const time = Math.max(synced.time, live.entries.at(-1)?.time ?? 0);
    return { epoch: synced.epoch, seq: live.position, time };
  }

  /** Until everything sent was read; {@link advance} then goes on where the client is. */
  #pause(): void {
    this.#isLive = false;
    this.#isPaused = true;
    const error = new ConatError(
      "unavailable",
      "this connection does not keep up with the store's changes; it continues when it has caught up",
    );
    if (this.#queue) this.#queue.push({ type: "stale", error });
    else this.#send({ type: "stale", error });
    this.#host.onSlow();
    this.#host.onBacklog(this);
  }

  /** Ends the feed for good and tells the client; what waits for it is not sent. */
  end(error: ConatError): void {
    if (this.#isClosed) return;
    this.#send({ type: "closed", error });
    this.close();
    this.#host.onEnded(this);
  }

  #stopFeed(): void {
    this.#feed?.close();
    this.#feed = undefined;
  }
}
