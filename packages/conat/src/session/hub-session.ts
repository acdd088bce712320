import * as v from "valibot";
import { ConatError, toConatError } from "../protocol/conat-error.ts";
import type { Entry } from "../protocol/entry.ts";
import type { HubEvents } from "../protocol/events.ts";
import { bye, type Hello, type Welcome, welcome } from "../protocol/messages/hello.ts";
import * as store from "../protocol/messages/store.ts";
import * as topic from "../protocol/messages/topic.ts";
import type { StoreRef, TopicRef } from "../protocol/scope.ts";
import { OLDEST_PROTOCOL_VERSION, PROTOCOL_VERSION } from "../protocol/version.ts";
import { type Environment, hostEnvironment } from "../transport/environment.ts";
import { toHubError } from "../transport/hub-error.ts";
import { type HubLink, openHubLink } from "../transport/hub-link.ts";
import { Emitter } from "../util/emitter.ts";
import {
  type Connection,
  type ConnectionEffect,
  type ConnectionEvent,
  startConnection,
  stepConnection,
} from "./connection-state.ts";
import { HubFeeds } from "./hub-feeds.ts";
import type { HubPart, HubUplink } from "./hub-part.ts";
import { HubReads } from "./hub-reads.ts";
import { HubTopics } from "./hub-topics.ts";
import { HubWrites } from "./hub-writes.ts";
import { createInstanceId } from "./instance-id.ts";
import type {
  Feed,
  FeedListener,
  Mutation,
  OpenStoreOptions,
  Session,
  SessionStatus,
  Subscription,
  TopicListener,
  TopicMessage,
  WriteResult,
} from "./session.ts";
import { whenReady } from "./when-ready.ts";

/** A write that the hub has not answered within this time is `ambiguous`, in milliseconds. */
export const DEFAULT_ACK_TIMEOUT_MS = 15_000;

/** From the start of an attempt to the hub's `welcome`, in milliseconds. */
export const DEFAULT_CONNECT_TIMEOUT_MS = 10_000;

export interface HubSessionOptions {
  /** The hub: an `http:` or `https:` URL. A path in it comes before `/socket.io`. */
  readonly address: URL;
  /** Bearer token, or a function that is asked for one at every (re)connect. */
  readonly token?: string | (() => string | Promise<string>) | undefined;
  /** Who this client says it is; only a hub in development mode believes it. */
  readonly identity?: Hello["identity"];
  /** In milliseconds. @default 15_000 */
  readonly ackTimeoutMs?: number | undefined;
  /** In milliseconds. @default 10_000 */
  readonly connectTimeoutMs?: number | undefined;
  /** Names this session towards every hub it meets; 16 to 64 characters of `A-Z a-z 0-9 _ -`. @default random */
  readonly instanceId?: string | undefined;
  /** @default the browser or process this runs in */
  readonly environment?: Environment | undefined;
}

/**
 * A {@link Session} over a connection to a hub. It connects at once, and again whenever the connection is lost.
 * A dead connection is noticed within the hub's ping interval and timeout together (10 s + 5 s).
 * A message that the hub should not send costs the connection: the next one starts from what was certainly seen.
 */
export class HubSession implements Session {
  readonly #options: HubSessionOptions;
  readonly #environment: Environment;
  readonly #hello: Hello;
  readonly #events = new Emitter<{ status: [SessionStatus] }>();
  readonly #stopWatching: () => void;
  readonly #feeds: HubFeeds;
  readonly #writes: HubWrites;
  readonly #reads: HubReads;
  readonly #topics: HubTopics;
  readonly #receivers: ReadonlyMap<string, (message: unknown[]) => boolean>;
  #connection: Connection;
  #status: SessionStatus;
  #link: HubLink | undefined;
  #linkClosed: Promise<void> = Promise.resolve();
  #attempt: object | undefined;
  #stopTimer: (() => void) | undefined;
  #origin = "";
  #lastWrite = 0;
  #welcomed: { readonly time: number; readonly now: number; readonly elapsed: number } | undefined;

  constructor(options: HubSessionOptions) {
    this.#options = options;
    this.#environment = options.environment ?? hostEnvironment;
    this.#hello = {
      v: PROTOCOL_VERSION,
      client: options.instanceId ?? createInstanceId(),
      identity: options.identity,
    };
    const uplink = this.#createUplink();
    this.#feeds = new HubFeeds(uplink);
    this.#writes = new HubWrites(uplink, options.ackTimeoutMs ?? DEFAULT_ACK_TIMEOUT_MS);
    this.#reads = new HubReads(uplink);
    this.#topics = new HubTopics(uplink);
    this.#receivers = this.#createReceivers();
    const { connection, effects } = startConnection({
      renewable: typeof options.token === "function",
      connectTimeoutMs: options.connectTimeoutMs ?? DEFAULT_CONNECT_TIMEOUT_MS,
    });
    this.#connection = connection;
    this.#status = toStatus(connection);
    this.#stopWatching = this.#environment.watchDevice((type) => this.#step({ type }));
    this.#run(effects);
  }

  get origin(): string {
    return this.#origin;
  }

  get status(): SessionStatus {
    return this.#status;
  }

  onStatus(listener: (status: SessionStatus) => void): () => void {
    return this.#events.on("status", listener);
  }

  ready(timeoutMs?: number): Promise<void> {
    return whenReady(this, timeoutMs);
  }

  serverTime(): number {
    const welcomed = this.#welcomed;
    const now = this.#environment.now();
    return welcomed === undefined ? now : welcomed.time + now - welcomed.now;
  }

  nextWrite(): number {
    this.#lastWrite += 1;
    return this.#lastWrite;
  }

  openStore(ref: StoreRef, listener: FeedListener, options?: OpenStoreOptions): Feed {
    return this.#feeds.open(ref, listener, options);
  }

  write(
    ref: StoreRef,
    mutations: readonly Mutation[],
    onResult: (result: WriteResult) => void,
  ): void {
    this.#writes.write(ref, mutations, onResult);
  }

  async read(ref: StoreRef, key: string): Promise<Entry | undefined> {
    if (!isConnected(this.#connection.state)) await this.ready();
    return this.#reads.read(ref, key);
  }

  publish(ref: TopicRef, message: TopicMessage): void {
    this.#topics.publish(ref, message);
  }

  subscribe(ref: TopicRef, listener: TopicListener): Subscription {
    return this.#topics.subscribe(ref, listener);
  }

  async close(): Promise<void> {
    this.#step({ type: "close" });
    this.#stopWatching();
    this.#events.removeAllListeners();
    await this.#linkClosed;
  }

  #step(event: ConnectionEvent): void {
    const before = this.#connection.state;
    const { connection, effects } = stepConnection(
      this.#connection,
      event,
      this.#environment.random(),
    );
    this.#connection = connection;
    const { state, error, attempt } = connection;
    const status = this.#status;
    const changed = state !== before || error !== status.error || attempt !== status.attempt;
    if (changed) this.#status = toStatus(connection);
    this.#run(effects);
    if (!changed) return;
    const parts: readonly HubPart[] = [this.#feeds, this.#writes, this.#reads, this.#topics];
    if (state === "ready") for (const part of parts) part.onConnected();
    if (error !== undefined && state !== before) {
      if (isConnected(before) && !isConnected(state) && state !== "closed") {
        for (const part of parts) part.onDisconnected(error);
      }
      if (isFinal(state) && !isFinal(before)) for (const part of parts) part.onEnded(error);
    }
    this.#events.emit("status", this.#status);
  }

  #run(effects: readonly ConnectionEffect[]): void {
    for (const effect of effects) {
      switch (effect.type) {
        case "connect":
          void this.#connect();
          break;
        case "disconnect":
          this.#attempt = undefined;
          if (this.#link !== undefined) this.#linkClosed = this.#link.close();
          this.#link = undefined;
          break;
        case "wait":
          this.#stopTimer?.();
          this.#stopTimer = this.#environment.startTimer(
            () => this.#step({ type: "due" }),
            effect.delayMs,
          );
          break;
        case "stop-waiting":
          this.#stopTimer?.();
          break;
      }
    }
  }

  async #connect(): Promise<void> {
    const attempt = {};
    this.#attempt = attempt;
    const { token, address } = this.#options;
    try {
      // Asked for in a later turn, so that whatever it does finds the session's step completed.
      const current = await Promise.resolve().then(
        typeof token === "function" ? token : () => token,
      );
      if (this.#attempt !== attempt) return;
      const hello = current === undefined ? this.#hello : { ...this.#hello, token: current };
      this.#link = openHubLink(address, hello, {
        onOpen: () => this.#step({ type: "opened" }),
        onMessage: (event, message) => this.#receive(event, message),
        onLost: (error) => this.#step({ type: "lost", error }),
      });
    } catch (error) {
      if (this.#attempt !== attempt) return;
      this.#step({ type: "lost", error: toConatError(error, "unavailable") });
    }
  }

  #receive(event: string, message: unknown[]): void {
    // A message without a receiver comes from a newer hub, which does not depend on it.
    const receiver = this.#receivers.get(event);
    if (receiver === undefined) return;
    let understood = false;
    let cause: unknown;
    try {
      understood = receiver(message);
    } catch (error) {
      cause = error;
    }
    if (understood) return;
    const text = `the hub sent a malformed "${event}" message`;
    this.#step({ type: "lost", error: new ConatError("unavailable", text, { cause }) });
  }

  #onWelcome({ v: version, origin, time }: Welcome): void {
    if (version < OLDEST_PROTOCOL_VERSION) {
      const text = `the hub speaks protocol ${version}, this client needs ${OLDEST_PROTOCOL_VERSION} or later`;
      this.#step({ type: "lost", error: new ConatError("protocol-version", text) });
      return;
    }
    this.#origin = origin;
    this.#welcomed = {
      time,
      now: this.#environment.now(),
      elapsed: this.#environment.elapsed(),
    };
    this.#step({ type: "welcomed" });
  }

  #safeServerTime(): number {
    const welcomed = this.#welcomed;
    return welcomed === undefined
      ? 0
      : welcomed.time + this.#environment.elapsed() - welcomed.elapsed;
  }

  #createUplink(): HubUplink {
    const connected = (): boolean => isConnected(this.#connection.state);
    const ended = (): ConatError | undefined =>
      isFinal(this.#connection.state) ? this.#connection.error : undefined;
    return {
      get connected() {
        return connected();
      },
      get ended() {
        return ended();
      },
      environment: this.#environment,
      safeServerTime: () => this.#safeServerTime(),
      send: (event, ...message) => this.#link?.send(event, message),
    };
  }

  #createReceivers(): ReadonlyMap<string, (message: unknown[]) => boolean> {
    const { reset, snapshot, synced, live, stale, closed } = this.#feeds.receivers;
    const { ack, nack } = this.#writes.receivers;
    const { entry } = this.#reads.receivers;
    const { subscribed, msg, lagged, unsubscribed } = this.#topics.receivers;
    const receivers: Record<keyof HubEvents, (message: unknown[]) => boolean> = {
      welcome: receiver(welcome, (message) => this.#onWelcome(message)),
      bye: receiver(bye, (kind, message, withinMs) =>
        this.#step({ type: "bye", error: toHubError(kind, message), withinMs }),
      ),
      reset: receiver(store.reset, reset),
      snapshot: receiver(store.snapshot, snapshot),
      synced: receiver(store.synced, synced),
      live: receiver(store.live, live),
      stale: receiver(store.stale, stale),
      closed: receiver(store.closed, closed),
      ack: receiver(store.ack, ack),
      nack: receiver(store.nack, nack),
      entry: receiver(store.entry, entry),
      subscribed: receiver(topic.subscribed, subscribed),
      msg: receiver(topic.message, msg),
      lagged: receiver(topic.lagged, lagged),
      unsubscribed: receiver(topic.unsubscribed, unsubscribed),
    };
    return new Map(Object.entries(receivers));
  }
}

/** Hands a message on if it has its shape; answers whether it has. */
function receiver<Message extends unknown[]>(
  schema: v.GenericSchema<unknown, Message>,
  handle: (...message: Message) => void,
): (message: unknown[]) => boolean {
  return (message) => {
    const parsed = v.safeParse(schema, message);
    if (parsed.success) handle(...parsed.output);
    return parsed.success;
  };
}

function toStatus({ state, error, attempt }: Connection): SessionStatus {
  return { state, error, attempt };
}

/** While draining, the connection still carries everything. */
function isConnected(state: SessionStatus["state"]): boolean {
  return state === "ready" || state === "draining";
}

function isFinal(state: SessionStatus["state"]): boolean {
  return state === "refused" || state === "closed";
}
