import { type Server as HttpServer, type IncomingMessage, ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import {
  ConatError,
  Encoder,
  MAX_FRAME_BYTES,
  type Session,
  toConatError,
} from "@conat/conat/internal";
import { BoundEntries } from "@conat/conat/jetstream";
import type { Logger } from "pino";
import { Server, type Socket } from "socket.io";
import type { HandshakeRequest } from "../auth/authenticator.ts";
import type { Doorkeeper } from "../auth/doorkeeper.ts";
import type { Grant } from "../auth/grant.ts";
import type { Notice } from "../auth/revocation-set.ts";
import { setSecurityHeaders } from "../observability/http.ts";
import type { Tally } from "../observability/tally.ts";
import { describeIdentity, type Identity, principalTag } from "../scope/identity.ts";
import { type ScopedRules, ScopedSession } from "../scope/scoped-session.ts";
import { clientAddress } from "./client-address.ts";
import { Connection, type ConnectionHost } from "./connection.ts";
import { Departures } from "./departures.ts";
import { guardedDecoderClass } from "./guarded-decoder.ts";
import { type Handshake, shakeHands, toRefusal, withDeadline } from "./handshake.ts";
import type { GatewayLimits } from "./limits.ts";
import { isOriginAllowed } from "./origin-check.ts";
import { Quotas } from "./quotas.ts";
import { StoreFanout } from "./store-fanout.ts";
import { TopicFanout } from "./topic-fanout.ts";
import { limitUpgrades } from "./upgrade-deadline.ts";
import { PatientWebSocketServer } from "./web-socket-server.ts";

export interface GatewayOptions {
  readonly http: HttpServer;
  /** The project that a connection is known to be of before anybody says a word over it; undefined for most. */
  readonly tunnelProjectOf: (socket: Duplex) => string | undefined;
  /** What all clients share; each sees the part of it that its identity may see. */
  readonly session: Session;
  readonly doorkeeper: Doorkeeper;
  readonly rules: ScopedRules;
  /** Web pages from elsewhere may not connect, unless this names them. `"*"` lets every page in. */
  readonly allowedOrigins: readonly string[];
  readonly limits: GatewayLimits;
  /** How many proxies before the hub add to `X-Forwarded-For`. */
  readonly trustedProxies: number;
  /** How often a connection is tested, in milliseconds, and how long the answer may take. */
  readonly pingIntervalMs: number;
  readonly pingTimeoutMs: number;
  /** How long a new connection may take to say who it is, in milliseconds. */
  readonly handshakeTimeoutMs: number;
  /** How long a client may be gone before what it has set until it disconnects is removed, in milliseconds. */
  readonly disconnectGraceMs: number;
  /** Whether nothing may be delivered, checked at every delivery. */
  readonly isFenced: () => boolean;
  readonly hubName: string;
  readonly tally: Tally;
  readonly logger: Logger;
}

/** The door for clients: a Socket.IO server on `http`, over WebSocket only. */
export class Gateway {
  readonly #options: GatewayOptions;
  readonly #host: ConnectionHost;
  readonly #io: Server;
  readonly #connections = new Set<Connection>();
  readonly #handshakes = new WeakMap<Socket, Handshake>();
  /** Ends the waiting of a connection that has said who it is. */
  readonly #waiting = new WeakMap<IncomingMessage, () => void>();
  readonly #quotas: Quotas;
  readonly #departures: Departures;
  readonly #stores = new StoreFanout();
  readonly #topics = new TopicFanout();
  /** Called when the last connection has gone. */
  readonly #lastLeft: (() => void)[] = [];
  #isDraining = false;
  #isLapsed = false;

  constructor(options: GatewayOptions) {
    this.#options = options;
    this.#quotas = new Quotas(options.limits, options.tally);
    this.#departures = new Departures(options.disconnectGraceMs);
    this.#host = {
      doorkeeper: options.doorkeeper,
      renewalTimeoutMs: options.handshakeTimeoutMs,
      limits: options.limits,
      tally: options.tally,
      stores: this.#stores,
      topics: this.#topics,
      logger: options.logger,
      hubName: options.hubName,
      onClosed: (connection) => this.#forget(connection),
    };
    this.#io = new Server(options.http, {
      transports: ["websocket"],
      wsEngine: PatientWebSocketServer,
      perMessageDeflate: false,
      httpCompression: false,
      serveClient: false,
      parser: { Encoder, Decoder: guardedDecoderClass(options.tally) },
      maxHttpBufferSize: MAX_FRAME_BYTES,
      pingInterval: options.pingIntervalMs,
      pingTimeout: options.pingTimeoutMs,
      // Longer than authentication may take, so that a client hears why it was refused.
      connectTimeout: 2 * options.handshakeTimeoutMs,
      allowRequest: (request, decide) => {
        const refusal = this.#refuseRequest(request);
        if (refusal) options.tally.countRefused(refusal.kind);
        decide(refusal?.message, refusal === undefined);
      },
    });
    limitUpgrades({
      http: options.http,
      engine: this.#io.engine,
      isTunnel: (socket) => options.tunnelProjectOf(socket) !== undefined,
      timeoutMs: options.handshakeTimeoutMs,
    });
    this.#io.engine.use((_request: unknown, response: unknown, next: () => void) => {
      // A request to open a WebSocket has no response to speak of.
      if (response instanceof ServerResponse) setSecurityHeaders(response);
      next();
    });
    this.#io.use((socket, next) => void this.#admit(socket, next));
    this.#io.on("connection", (socket) => this.#accept(socket));
    // Who hears what is not for Socket.IO to know: its rooms would be half a kilobyte for each client.
    this.#io.of("/").adapter.addAll = () => undefined;
  }

  get connections(): number {
    return this.#connections.size;
  }

  /** Feeds that clients hold open, over all connections. */
  get openFeeds(): number {
    return this.#sum((connection) => connection.openStores);
  }

  get subscriptions(): number {
    return this.#sum((connection) => connection.subscriptions);
  }

  get pendingRequests(): number {
    return this.#sum((connection) => connection.pendingRequests);
  }

  get waitingFeeds(): number {
    return this.#sum((connection) => connection.waitingFeeds);
  }

  get outboxBytes(): number {
    return this.#sum((connection) => connection.outboxBytes);
  }

  get largestOutboxBytes(): number {
    let largest = 0;
    for (const { outboxBytes } of this.#connections) largest = Math.max(largest, outboxBytes);
    return largest;
  }

  get pendingWrites(): number {
    return this.#sum((connection) => connection.pendingWrites);
  }

  /** Takes note of what hubs tell each other; resolves when it is in force for everybody who is connected. */
  async note(notice: Notice, isGone: boolean): Promise<void> {
    const { doorkeeper, logger, tally } = this.#options;
    doorkeeper.note(notice, isGone);
    if (!isGone) {
      tally.countNotice(notice.type);
      logger.info({ audit: notice.type, notice }, "a notice is in force");
    }
    await this.review();
  }

  /** Looks again at what everybody who is connected may do. */
  async review(): Promise<void> {
    await Promise.all([...this.#connections].map((connection) => connection.review()));
  }

  /** Other rules are in force; resolves when nobody hears any more what they do not allow. */
  async reviewRules(): Promise<void> {
    await Promise.all([...this.#connections].map((connection) => connection.reviewRules()));
  }

  /** While the hub is cut off from the others it serves nobody: it might not hear of a revocation. */
  setLapsed(isLapsed: boolean): void {
    this.#isLapsed = isLapsed;
    if (!isLapsed) return;
    for (const connection of [...this.#connections]) connection.dismiss(cutOff());
  }

  /** Turns newcomers away, and tells who is here to move within `moveWithinMs`. Resolves when all have, or then. */
  async drain(moveWithinMs: number): Promise<void> {
    this.#isDraining = true;
    for (const connection of this.#connections) connection.sayBye(leaving(), moveWithinMs);
    if (this.#connections.size === 0) return;
    const left = new Promise<void>((resolve) => this.#lastLeft.push(resolve));
    await Promise.race([left, delay(moveWithinMs)]);
  }

  /** Answers the writes that were taken on, as far as `deadlineMs` allows, and ends every connection. */
  async close(deadlineMs: number): Promise<void> {
    this.#isDraining = true;
    const settled = Promise.all([...this.#connections].map((connection) => connection.settled()));
    await Promise.race([settled, delay(deadlineMs)]);
    for (const connection of [...this.#connections]) connection.close();
    // Not awaited: it waits for every peer of the HTTP server, which that server's owner has to see to.
    void this.#io.close();
    await this.#departures.close(deadlineMs);
  }

  /**
   * Who a backend is that signs in to NATS, to be let near the hub there. It shakes hands like everybody after that.
   * @throws ConatError why it may not
   */
  async admitBackend(request: HandshakeRequest): Promise<Grant> {
    const { doorkeeper, handshakeTimeoutMs } = this.#options;
    try {
      this.#checkOpen(request.address);
      return await withDeadline(doorkeeper.admit(request), handshakeTimeoutMs);
    } catch (error) {
      this.#noteRefusal(request.address, error);
      throw error;
    }
  }

  /** Whether a connection may be opened, before anybody says anything over it. */
  #refuseRequest(request: IncomingMessage): ConatError | undefined {
    if (!isOriginAllowed(request.headers, this.#options.allowedOrigins)) {
      return new ConatError("forbidden", "this page may not connect to this hub");
    }
    const address = this.#addressOf(request);
    try {
      const stopWaiting = this.#quotas.wait(address);
      const { socket } = request;
      socket.once("close", stopWaiting);
      this.#waiting.set(request, () => {
        socket.off("close", stopWaiting);
        stopWaiting();
      });
      return undefined;
    } catch (error) {
      return toConatError(error);
    }
  }

  async #admit(socket: Socket, next: (error?: Error) => void): Promise<void> {
    const { doorkeeper, handshakeTimeoutMs } = this.#options;
    const address = this.#addressOf(socket.request);
    const startedAt = performance.now();
    try {
      this.#checkOpen(address);
      const { auth, headers } = socket.handshake;
      const raw = { auth, headers, address };
      const handshake = await shakeHands(raw, doorkeeper, handshakeTimeoutMs);
      this.#checkTunnel(socket, handshake.grant.identity);
      this.#quotas.checkPrincipal(principalTag(handshake.grant.identity));
      this.#handshakes.set(socket, handshake);
      this.#options.tally.time("handshake", startedAt);
      next();
    } catch (error) {
      this.#noteRefusal(address, error);
      next(toRefusal(error));
    }
  }

  #checkOpen(address: string): void {
    if (this.#isDraining) throw leaving();
    if (this.#isLapsed) throw cutOff();
    this.#quotas.checkHandshake(address);
  }

  /** A tunnel belongs to the project that NATS was told of, whatever its client claims to be inside. */
  #checkTunnel({ request: { socket } }: Socket, identity: Identity): void {
    const project_id = this.#options.tunnelProjectOf(socket);
    if (project_id === undefined) return;
    if (identity.kind === "project" && identity.project_id === project_id) return;
    throw new ConatError("forbidden", `this way through NATS is only for project ${project_id}`);
  }

  #noteRefusal(address: string, error: unknown): void {
    const { logger, tally } = this.#options;
    const { kind, message } = toConatError(error);
    tally.countRefused(kind);
    logger.info({ audit: "deny", address, kind, message }, "refused a connection");
  }

  #accept(socket: Socket): void {
    const { session, limits, tally, logger } = this.#options;
    this.#waiting.get(socket.request)?.();
    const handshake = this.#handshakes.get(socket);
    const identity = handshake && this.#currentIdentity(handshake);
    // Something has changed since the handshake a moment ago: the next one finds out.
    if (handshake === undefined || identity === undefined) {
      socket.disconnect(true);
      return;
    }
    const scoped = new ScopedSession(session, {
      identity,
      client: handshake.client,
      isFenced: this.#options.isFenced,
      rules: this.#options.rules,
      maxValueBytes: limits.maxValueBytes,
    });
    tally.connectionsAccepted += 1;
    logger.info(
      { audit: "connect", origin: scoped.origin, identity: describeIdentity(identity) },
      "connected",
    );
    this.#connections.add(
      new Connection({
        host: this.#host,
        socket,
        session: scoped,
        bound: new BoundEntries({ below: session, maxEntries: limits.maxUntilDisconnect }),
        handshake,
        quota: this.#quotas.enter(principalTag(identity), this.#addressOf(socket.request)),
      }),
    );
    dropRequest(socket);
  }

  #addressOf({ socket, headers }: IncomingMessage): string {
    const peer = socket.remoteAddress ?? "unknown";
    // No proxy stands before a tunnel.
    if (this.#options.tunnelProjectOf(socket) !== undefined) return peer;
    return clientAddress(peer, headers["x-forwarded-for"], this.#options.trustedProxies);
  }

  #currentIdentity({ grant }: Handshake): Identity | undefined {
    const { doorkeeper } = this.#options;
    if (this.#isLapsed || this.#isDraining || doorkeeper.isOutdated(grant)) return undefined;
    try {
      return doorkeeper.judge(grant).identity;
    } catch {
      return undefined;
    }
  }

  #forget(connection: Connection): void {
    this.#connections.delete(connection);
    this.#departures.leave(connection.bound, connection.isForGood);
    if (this.#connections.size > 0) return;
    for (const resolve of this.#lastLeft.splice(0)) resolve();
  }

  #sum(of: (connection: Connection) => number): number {
    let sum = 0;
    for (const connection of this.#connections) sum += of(connection);
    return sum;
  }
}

/** The HTTP request has been read, and is a kilobyte for each client; {@link Handshake} has what is needed of it. */
function dropRequest(socket: Socket): void {
  Reflect.set(socket.conn, "request", undefined);
  Reflect.set(socket, "handshake", undefined);
}

function cutOff(): ConatError {
  return new ConatError("unavailable", "this hub has lost NATS: connect again later or elsewhere");
}

function leaving(): ConatError {
  return new ConatError("unavailable", "this hub is shutting down: connect again");
}

function delay(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms).unref();
  });
}
