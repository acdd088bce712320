import {
  type ConatError,
  closeStore,
  destroyStore,
  fromWireScope,
  fromWireStoreRef,
  fromWireTopicRef,
  leave,
  listStores,
  openStore,
  PROTOCOL_VERSION,
  publish,
  read,
  subscribe,
  token,
  unsubscribe,
  write,
} from "@conat/conat/internal";
import type { BoundEntries } from "@conat/conat/jetstream";
import type { Logger } from "pino";
import type { Socket } from "socket.io";
import * as v from "valibot";
import type { Doorkeeper } from "../auth/doorkeeper.ts";
import type { Grant } from "../auth/grant.ts";
import type { Tally } from "../observability/tally.ts";
import type { ScopedSession } from "../scope/scoped-session.ts";
import { TokenBucket } from "../token-bucket.ts";
import type { ConnectionContext } from "./connection-context.ts";
import { Feeds } from "./feeds.ts";
import { type EventTaker, type GuardedDecoder, guardedDecoderOf } from "./guarded-decoder.ts";
import { type Handshake, toShownError } from "./handshake.ts";
import type { GatewayLimits } from "./limits.ts";
import { Outbox } from "./outbox.ts";
import type { Quota } from "./quotas.ts";
import { Reads } from "./reads.ts";
import { malformed, refuseMessage } from "./refusals.ts";
import type { StoreFanout } from "./store-fanout.ts";
import { StoreRequests } from "./store-requests.ts";
import { Tenure, type TenureHost } from "./tenure.ts";
import type { TopicFanout } from "./topic-fanout.ts";
import { Topics } from "./topics.ts";
import { untilRead } from "./until-read.ts";
import { toCheckpoint } from "./wire-checkpoint.ts";
import { Writes } from "./writes.ts";

/** What all connections of a hub share. */
export interface ConnectionHost {
  readonly doorkeeper: Doorkeeper;
  /** How long a new token may take to be checked, in milliseconds. */
  readonly renewalTimeoutMs: number;
  readonly limits: GatewayLimits;
  readonly tally: Tally;
  readonly stores: StoreFanout;
  readonly topics: TopicFanout;
  readonly logger: Logger;
  /** Which hub this is, for people reading logs. */
  readonly hubName: string;
  readonly onClosed: (connection: Connection) => void;
}

export interface ConnectionOptions {
  readonly host: ConnectionHost;
  readonly socket: Socket;
  readonly session: ScopedSession;
  /** What the client sets until it disconnects; outlives the connection. */
  readonly bound: BoundEntries;
  readonly handshake: Handshake;
  readonly quota: Quota;
}

/** Lines of the audit log about what one client was refused; all refusals are counted. */
const MAX_DENIED_LINES_PER_S = 1;

/**
 * One client: takes its events apart, and answers each that is wrong by name, or counts it when there is nothing to
 * answer to. Whatever a client sends, the hub goes on. Most clients are there and do nothing, so that what only some
 * need is made when they do.
 */
export class Connection implements ConnectionContext, TenureHost {
  readonly session: ScopedSession;
  /** What the client sets until it disconnects. */
  readonly bound: BoundEntries;
  readonly outbox: Outbox;
  readonly quota: Quota;
  readonly #host: ConnectionHost;
  readonly #socket: Socket;
  readonly #decoder: GuardedDecoder;
  readonly #feeds: Feeds;
  readonly #writes: Writes;
  readonly #tenure: Tenure;
  #reads: Reads | undefined;
  #storeRequests: StoreRequests | undefined;
  #subscriptions: Topics | undefined;
  #deniedLines: TokenBucket | undefined;
  #isClosed = false;
  #isForGood = false;

  constructor({ host, socket, session, bound, handshake, quota }: ConnectionOptions) {
    this.#host = host;
    this.#socket = socket;
    this.session = session;
    this.bound = bound;
    this.quota = quota;
    this.outbox = new Outbox({
      conn: socket.conn,
      maxBytes: host.limits.maxOutboxBytes,
      tally: host.tally,
      onDrain: () => this.#onDrain(),
      onOverflow: () => this.#cutOff(),
    });
    this.#feeds = new Feeds(this);
    this.#writes = new Writes(this);
    this.#tenure = new Tenure(handshake, this);
    this.#decoder = guardedDecoderOf(socket);
    this.#decoder.takeEvent = this.#onEvent;
    socket.on("disconnect", (reason) => this.#end(reason));
    this.outbox.send("welcome", {
      v: PROTOCOL_VERSION,
      origin: session.origin,
      time: session.serverTime(),
      hub: host.hubName,
      ...this.#expiry(),
    });
  }

  get doorkeeper(): Doorkeeper {
    return this.#host.doorkeeper;
  }

  get renewalTimeoutMs(): number {
    return this.#host.renewalTimeoutMs;
  }

  get limits(): GatewayLimits {
    return this.#host.limits;
  }

  get tally(): Tally {
    return this.#host.tally;
  }

  get stores(): StoreFanout {
    return this.#host.stores;
  }

  get topics(): TopicFanout {
    return this.#host.topics;
  }

  refuse(error: ConatError, tell: (error: ConatError) => void): void {
    this.tally.countRefused(error.kind);
    if (error.kind === "forbidden") this.#noteDenied(error);
    tell(error);
  }

  onGrant({ identity }: Grant): void {
    if (identity === this.session.identity) return;
    this.session.setIdentity(identity);
    this.#feeds.recheck();
  }

  onEnd(error: ConatError): void {
    this.dismiss(error);
  }

  /** The client has said that it will not come back. */
  get isForGood(): boolean {
    return this.#isForGood;
  }

  get openStores(): number {
    return this.#feeds.size;
  }

  get subscriptions(): number {
    return this.#subscriptions?.size ?? 0;
  }

  /** Reads and requests about whole stores not yet answered. */
  get pendingRequests(): number {
    return (this.#reads?.pending ?? 0) + (this.#storeRequests?.pending ?? 0);
  }

  /** Feeds that have something to send and no room for it. */
  get waitingFeeds(): number {
    return this.#feeds.waiting;
  }

  /** Bytes that wait for the client to read them. */
  get outboxBytes(): number {
    return this.outbox.bytes;
  }

  /** Writes that the server has not answered. */
  get pendingWrites(): number {
    return this.#writes.pending;
  }

  /** Tells the client to move to another hub, or to come back, within so many milliseconds. */
  sayBye(error: ConatError, moveWithinMs: number): void {
    this.outbox.send("bye", error.kind, error.message, moveWithinMs);
    this.outbox.flush();
  }

  /** Takes no more writes on; resolves when every one before is answered and the answers are on their way. */
  async settled(): Promise<void> {
    await this.#writes.stop();
    this.#writes.flush();
    this.outbox.flush();
  }

  /** Looks again at what the client may do; resolves when what it may not see any more is not on its way either. */
  async review(): Promise<void> {
    await this.#tenure.review();
    await this.#untilRead();
  }

  /** Other rules are in force. Resolves as {@link review}. */
  async reviewRules(): Promise<void> {
    if (this.#isClosed) return;
    this.#feeds.recheck();
    this.session.recheck();
    await this.#untilRead();
  }

  async #untilRead(): Promise<void> {
    const isRead = await untilRead(this.outbox, () => this.#isClosed);
    if (!isRead) this.#socket.conn.close(true);
  }

  /** Ends everything here at once; the client learns why, if it still reads. */
  dismiss(error: ConatError): void {
    if (this.#isClosed) return;
    this.tally.countRefused(error.kind);
    this.#feeds.closeAll();
    this.#subscriptions?.closeAll();
    const hasBacklog = this.outbox.isFull;
    this.sayBye(error, 0);
    if (hasBacklog) this.#socket.conn.close(true);
    else this.close();
  }

  close(): void {
    this.#socket.disconnect(true);
    this.#end("closed by the hub");
  }

  #requests(): StoreRequests {
    this.#storeRequests ??= new StoreRequests(this);
    return this.#storeRequests;
  }

  #topics(): Topics {
    this.#subscriptions ??= new Topics(this);
    return this.#subscriptions;
  }

  readonly #onEvent: EventTaker = (event, message, bytes) => {
    try {
      // What gives something back is always welcome.
      const isFree = event === "close" || event === "unsub" || event === "leave";
      const error = isFree ? undefined : this.quota.refuseMessage(bytes);
      if (error) this.#refuse(event, message, error);
      else this.#route(event, message);
    } catch (error) {
      this.tally.countIgnored("internal");
      this.#host.logger.error({ err: error, event }, "handling a message failed");
    }
  };

  #route(event: string, message: unknown[]): void {
    const take = <Message extends unknown[]>(
      schema: v.GenericSchema<unknown, Message>,
      handle: (...message: Message) => void,
    ): void => {
      const parsed = v.safeParse(schema, message);
      if (parsed.success) handle(...parsed.output);
      else this.#refuse(event, message, malformed());
    };
    switch (event) {
      case "open":
        take(openStore, (id, ref, since, doubt) => {
          const checkpoint = since === null ? undefined : toCheckpoint(since, doubt);
          this.#feeds.open(id, fromWireStoreRef(ref), checkpoint);
        });
        break;
      case "close":
        take(closeStore, (id) => this.#feeds.close(id));
        break;
      case "write":
        take(write, (ref, mutations) => this.#writes.write(fromWireStoreRef(ref), mutations));
        break;
      case "read":
        take(read, (id, ref, key) => {
          this.#reads ??= new Reads(this);
          void this.#reads.read(id, fromWireStoreRef(ref), key);
        });
        break;
      case "list":
        take(listStores, (id, scope) => {
          void this.#requests().list(id, fromWireScope(scope));
        });
        break;
      case "destroy":
        take(destroyStore, (id, ref) => {
          void this.#requests().destroy(id, fromWireStoreRef(ref));
        });
        break;
      case "pub":
        take(publish, (ref, data) => this.#topics().publish(fromWireTopicRef(ref), data));
        break;
      case "sub":
        take(subscribe, (id, ref) => this.#topics().subscribe(id, fromWireTopicRef(ref)));
        break;
      case "unsub":
        take(unsubscribe, (id) => this.#subscriptions?.unsubscribe(id));
        break;
      case "token":
        take(token, (newToken) => {
          void this.#renew(newToken);
        });
        break;
      case "leave":
        take(leave, () => {
          this.#isForGood = true;
        });
        break;
      default:
        this.tally.countIgnored("unknown-event");
    }
  }

  /** For the audit log; somebody who keeps trying must not fill it. */
  #noteDenied({ kind, message }: ConatError): void {
    const now = performance.now();
    this.#deniedLines ??= new TokenBucket(MAX_DENIED_LINES_PER_S, now);
    if (!this.#deniedLines.isOpen(now)) return;
    this.#deniedLines.spend(1);
    const { origin } = this.session;
    this.#host.logger.info({ audit: "deny", origin, kind, message }, "refused a message");
  }

  #refuse(event: string, message: unknown[], error: ConatError): void {
    refuseMessage(event, message, error, this);
  }

  async #renew(newToken: string): Promise<void> {
    let refusal: ConatError | undefined;
    try {
      await this.#tenure.renew(newToken);
    } catch (thrown) {
      refusal = toShownError(thrown);
      this.tally.countRefused(refusal.kind);
    }
    if (this.#isClosed) return;
    const why: [string, string] | null = refusal ? [refusal.kind, refusal.message] : null;
    this.outbox.send("identity", this.#tenure.leftMs ?? null, why);
  }

  #expiry(): { leftMs?: number } {
    const { leftMs } = this.#tenure;
    return leftMs === undefined ? {} : { leftMs };
  }

  #onDrain(): void {
    this.#subscriptions?.pump();
    this.#feeds.pump();
  }

  #cutOff(): void {
    this.tally.countRefused("limit-exceeded");
    this.#host.logger.warn({ origin: this.session.origin }, "cut off a client that does not read");
    this.#socket.conn.close(true);
  }

  #end(reason: string): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#decoder.takeEvent = undefined;
    this.#host.logger.debug({ origin: this.session.origin, reason }, "disconnected");
    this.#tenure.close();
    this.quota.leave();
    this.#writes.close();
    this.#feeds.closeAll();
    this.#subscriptions?.closeAll();
    void this.session.close();
    // A client may leave the namespace and keep the socket; there is nothing else for it here.
    this.#socket.conn.close();
    this.#host.onClosed(this);
  }
}
