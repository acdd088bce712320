import { ConatError } from "../protocol/conat-error.ts";
import type { Entry } from "../protocol/entry.ts";
import type { HubEvents } from "../protocol/events.ts";
import { isHubEvent, receive } from "../protocol/hub-messages.ts";
import type { Hello, Welcome } from "../protocol/messages/hello.ts";
import type { Scope, StoreRef, TopicRef } from "../protocol/scope.ts";
import { OLDEST_PROTOCOL_VERSION, PROTOCOL_VERSION } from "../protocol/version.ts";
import { type Environment, hostEnvironment } from "../transport/environment.ts";
import { toHubError } from "../transport/hub-error.ts";
import { type HubLink, type HubRoute, openHubLink } from "../transport/hub-link.ts";
import { ConnectionRunner } from "./connection-runner.ts";
import { HubFeeds } from "./hub-feeds.ts";
import type { HubPart } from "./hub-part.ts";
import { HubRequests } from "./hub-requests.ts";
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
  StoreInfo,
  Subscription,
  TopicListener,
  TopicMessage,
  WriteResult,
} from "./session.ts";
import { TokenRenewal } from "./token-renewal.ts";
import { whenReady } from "./when-ready.ts";

/** A write that the hub has not answered within this time is `ambiguous`, in milliseconds. */
export const DEFAULT_ACK_TIMEOUT_MS = 15_000;

/** From the start of an attempt to the hub's `welcome`, in milliseconds. */
export const DEFAULT_CONNECT_TIMEOUT_MS = 10_000;

export interface HubSessionOptions {
  /**
   * The hub: an `http:` or `https:` URL. A path in it comes before `/socket.io`. Of several, one at random is the first,
   * and every further attempt takes the next.
   */
  readonly address: URL | readonly URL[];
  /** Bearer token, or a function: asked for one at every (re)connect, and before the last one expires. */
  readonly token?: string | (() => string | Promise<string>) | undefined;
  /** Another way to the hub than a TCP connection to its address, for an attempt with this token. */
  readonly route?: ((token: string | undefined) => HubRoute) | undefined;
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
  readonly #addresses: readonly URL[];
  readonly #environment: Environment;
  readonly #hello: Hello;
  readonly #connection: ConnectionRunner;
  readonly #feeds: HubFeeds;
  readonly #writes: HubWrites;
  readonly #requests: HubRequests;
  readonly #topics: HubTopics;
  readonly #renewal: TokenRenewal;
  readonly #handlers: HubEvents;
  #link: HubLink | undefined;
  #linkClosed: Promise<void> = Promise.resolve();
  /** Counts attempts, for taking hubs in turn. */
  #turn: number;
  #isSettling = false;
  #origin = "";
  #lastWrite = 0;
  #welcomed: { readonly time: number; readonly now: number; readonly elapsed: number } | undefined;

  constructor(options: HubSessionOptions) {
    this.#options = options;
    this.#environment = options.environment ?? hostEnvironment;
    this.#addresses = [options.address].flat();
    this.#turn = Math.floor(this.#environment.random() * this.#addresses.length);
    this.#hello = {
      v: PROTOCOL_VERSION,
      client: options.instanceId ?? createInstanceId(),
      identity: options.identity,
    };
    let parts: readonly HubPart[] = [];
    const connection = new ConnectionRunner(
      {
        renewable: typeof options.token === "function",
        connectTimeoutMs: options.connectTimeoutMs ?? DEFAULT_CONNECT_TIMEOUT_MS,
      },
      this.#environment,
      {
        connect: (signal) => this.#connect(signal),
        settle: () => {
          this.#isSettling = true;
          this.#checkSettled();
        },
        onConnected: () => {
          for (const part of parts) part.onConnected();
        },
        onDisconnected: (error) => {
          for (const part of parts) part.onDisconnected(error);
        },
        onEnded: (error) => {
          for (const part of parts) part.onEnded(error);
        },
      },
    );
    this.#connection = connection;
    const uplink = {
      connection,
      settling: () => this.#isSettling,
      environment: this.#environment,
      congested: () => this.#link?.congested ?? false,
      safeServerTime: () => this.#safeServerTime(),
      send: (event: string, ...message: readonly unknown[]) => this.#link?.send(event, message),
    };
    this.#feeds = new HubFeeds(uplink);
    this.#writes = new HubWrites(uplink, options.ackTimeoutMs ?? DEFAULT_ACK_TIMEOUT_MS);
    this.#requests = new HubRequests(uplink);
    this.#topics = new HubTopics(uplink);
    const { token } = options;
    this.#renewal = new TokenRenewal(uplink, typeof token === "function" ? token : undefined);
    parts = [this.#feeds, this.#writes, this.#requests, this.#topics, this.#renewal];
    this.#handlers = {
      welcome: (message) => this.#onWelcome(message),
      bye: (kind, message, withinMs) =>
        connection.step({ type: "bye", error: toHubError(kind, message), withinMs }),
      ...this.#renewal.receivers,
      ...this.#feeds.receivers,
      ...this.#writes.receivers,
      ...this.#requests.receivers,
      ...this.#topics.receivers,
    };
  }

  get origin(): string {
    return this.#origin;
  }

  get status(): SessionStatus {
    return this.#connection.status;
  }

  onStatus(listener: (status: SessionStatus) => void): () => void {
    return this.#connection.onStatus(listener);
  }

  ready(timeoutMs?: number): Promise<void> {
    return whenReady(this, timeoutMs);
  }

  serverTime(): number {
    const now = this.#environment.now();
    return this.#welcomed === undefined ? now : this.#welcomed.time + now - this.#welcomed.now;
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
    await this.#mayAsk();
    return this.#requests.read(ref, key);
  }

  async listStores(scope: Scope): Promise<readonly StoreInfo[]> {
    await this.#mayAsk();
    return this.#requests.listStores(scope);
  }

  async destroyStore(ref: StoreRef): Promise<void> {
    await this.#mayAsk();
    return this.#requests.destroyStore(ref);
  }

  /** Resolves when a request would be answered. */
  async #mayAsk(): Promise<void> {
    if (!this.#connection.connected || this.#isSettling) await this.ready();
  }

  publish(ref: TopicRef, message: TopicMessage): void {
    this.#topics.publish(ref, message);
  }

  subscribe(ref: TopicRef, listener: TopicListener): Subscription {
    return this.#topics.subscribe(ref, listener);
  }

  async close(): Promise<void> {
    this.#link?.send("leave", []);
    this.#connection.close();
    await this.#linkClosed;
  }

  async #connect(signal: AbortSignal): Promise<void> {
    this.#isSettling = false;
    const { token } = this.#options;
    const current = typeof token === "function" ? await token() : token;
    const address = this.#addresses[this.#turn % this.#addresses.length];
    if (signal.aborted || address === undefined) return;
    this.#turn += 1;
    const link = openHubLink(
      address,
      { ...this.#hello, token: current },
      {
        onOpen: () => this.#connection.step({ type: "opened" }),
        onMessage: (event, message) => this.#receive(event, message),
        onLost: (error) => this.#connection.step({ type: "lost", error }),
      },
      this.#options.route?.(current),
    );
    this.#link = link;
    signal.addEventListener("abort", () => {
      this.#link = undefined;
      this.#linkClosed = link.close();
    });
  }

  #receive(event: string, message: unknown[]): void {
    if (!isHubEvent(event)) return;
    let understood = false;
    let cause: unknown;
    try {
      understood = receive(this.#handlers, event, message);
    } catch (error) {
      cause = error;
    }
    if (understood) {
      if (this.#isSettling) this.#checkSettled();
      return;
    }
    const text = `the hub sent a malformed "${event}" message`;
    this.#connection.step({ type: "lost", error: new ConatError("unavailable", text, { cause }) });
  }

  #checkSettled(): void {
    const waits = this.#writes.pending + this.#requests.pending > 0;
    if (!waits && this.status.state === "draining") this.#connection.step({ type: "due" });
  }

  #onWelcome({ v: version, origin, time, leftMs }: Welcome): void {
    if (version < OLDEST_PROTOCOL_VERSION) {
      const text = `the hub speaks protocol ${version}, this client needs ${OLDEST_PROTOCOL_VERSION} or later`;
      this.#connection.step({ type: "lost", error: new ConatError("protocol-version", text) });
      return;
    }
    this.#origin = origin;
    this.#welcomed = {
      time,
      now: this.#environment.now(),
      elapsed: this.#environment.elapsed(),
    };
    this.#connection.step({ type: "welcomed" });
    this.#renewal.granted(leftMs);
  }

  #safeServerTime(): number {
    const welcomed = this.#welcomed;
    return welcomed === undefined
      ? 0
      : welcomed.time + this.#environment.elapsed() - welcomed.elapsed;
  }
}
