import { setTimeout as sleep } from "node:timers/promises";
import {
  type Authenticator,
  type ConnectionOptions,
  type NatsConnection,
  nkeyAuthenticator,
  PermissionViolationError,
  tokenAuthenticator,
  usernamePasswordAuthenticator,
} from "@nats-io/nats-core";
import { ConatError } from "../protocol/conat-error.ts";
import { backoffMs } from "../session/backoff.ts";
import { dial } from "./dial.ts";
import { readFrames } from "./frame-parser.ts";
import { fromNatsError } from "./nats-error.ts";
import type { ResolvedOptions } from "./options.ts";

/** A dead server is noticed after two unanswered pings: within 30 s. */
export const PING_INTERVAL_MS = 10_000;

/** Pause between two attempts to reach a server again, in milliseconds, plus up to as much again as jitter. */
const RECONNECT_WAIT_MS = 250;

/** One attempt to connect; a server on the same machine answers in 2 ms. */
const DIAL_TIMEOUT_MS = 5_000;

export interface LinkEvents {
  /** Connected. The same connection object may come up again; its subscriptions are then still there. */
  onUp(connection: NatsConnection): void;
  /** An attempt to connect begins. */
  onAttempt(): void;
  /** Not connected, because of `error`. The link goes on trying. */
  onDown(error: ConatError): void;
  /** The server refuses who we are. The link has ended. */
  onRefused(error: ConatError): void;
}

/** One NATS connection that is kept up: reconnected by the client library, rebuilt when that gives up. */
export class NatsLink {
  readonly #options: ConnectionOptions;
  readonly #servers: readonly string[];
  readonly #shown: string;
  readonly #random: () => number;
  readonly #events: LinkEvents;
  readonly #end = new AbortController();
  #connection: NatsConnection | undefined;
  #isUp = false;
  #done: Promise<void> | undefined;

  constructor(options: ResolvedOptions, name: string, events: LinkEvents) {
    this.#options = toConnectionOptions(options, name);
    this.#servers = options.addresses.servers;
    this.#shown = options.addresses.shown;
    this.#random = options.random;
    this.#events = events;
  }

  /** The connection while it is up. */
  get connection(): NatsConnection | undefined {
    return this.#isUp ? this.#connection : undefined;
  }

  start(): void {
    this.#done ??= this.#run();
  }

  /** Ends the link; nothing is told after that. An attempt that is under way ends by itself. Idempotent. */
  async close(): Promise<void> {
    this.#end.abort();
    this.#isUp = false;
    const connection = this.#connection;
    if (connection === undefined) return;
    await connection.close();
    await this.#done;
  }

  /** Tries another server, where there is one: this one is connected, and of no use. */
  elsewhere(): void {
    const { connection } = this;
    const here = connection?.getServer();
    const others = connection
      ?.getServers()
      .flatMap(({ listen }) => (listen === here ? [] : listen));
    if (connection === undefined || others === undefined || others.length === 0) return;
    connection.setServers(others);
    void connection.reconnect();
  }

  async #run(): Promise<void> {
    const { signal } = this.#end;
    for (let failures = 0; !signal.aborted; failures += 1) {
      const connection = await this.#dial();
      if (connection === "refused") return;
      if (connection !== undefined) {
        failures = 0;
        await this.#watch(connection);
      }
      await sleep(backoffMs(failures + 1, this.#random()), undefined, { signal }).catch(() => {});
    }
  }

  async #dial(): Promise<NatsConnection | "refused" | undefined> {
    try {
      this.#events.onAttempt();
      const connection = await dial(this.#options);
      if (this.#end.signal.aborted) {
        await connection.close();
        return undefined;
      }
      return connection;
    } catch (cause) {
      if (this.#end.signal.aborted) return undefined;
      const error = fromNatsError(cause, `connect to ${this.#shown}`);
      if (error.kind === "unauthenticated") {
        this.#events.onRefused(error);
        return "refused";
      }
      this.#events.onDown(error);
      return undefined;
    }
  }

  /** Follows one connection until it is closed for good. */
  async #watch(connection: NatsConnection): Promise<void> {
    this.#connection = connection;
    let lastError: unknown;
    const statuses = connection.status();
    this.#rememberServers(connection);
    this.#up(connection);
    for await (const status of statuses) {
      if (status.type === "disconnect") {
        this.#rememberServers(connection);
        this.#down(lastError);
      }
      if (status.type === "reconnecting") this.#events.onAttempt();
      if (status.type === "reconnect") {
        lastError = undefined;
        this.#up(connection);
      }
      if (status.type === "error" && !isDenial(status.error)) lastError = status.error;
    }
    const reason = await connection.closed();
    this.#connection = undefined;
    this.#down(reason ?? lastError);
  }

  /** The client library forgets those that it did not reach before it was connected for the first time. */
  #rememberServers(connection: NatsConnection): void {
    const known = connection.getServers().map(({ listen }) => listen);
    connection.setServers([...new Set([...this.#servers, ...known])]);
  }

  #up(connection: NatsConnection): void {
    this.#isUp = true;
    readFrames(connection);
    this.#events.onUp(connection);
  }

  #down(cause: unknown): void {
    this.#isUp = false;
    if (this.#end.signal.aborted) return;
    const why = cause instanceof Error ? `: ${cause.message}` : "";
    const message = `the connection to ${this.#shown} was lost${why}`;
    this.#events.onDown(new ConatError("unavailable", message, { cause }));
  }
}

/** Of one subject; the connection goes on. */
function isDenial(error: unknown): boolean {
  return error instanceof PermissionViolationError;
}

function toConnectionOptions(options: ResolvedOptions, name: string): ConnectionOptions {
  const { servers, tls, user, pass } = options.addresses;
  const token = options.token ?? options.addresses.token;
  const authenticator: Authenticator[] = [];
  if (token !== undefined) authenticator.push(tokenAuthenticator(token));
  if (user !== undefined) authenticator.push(usernamePasswordAuthenticator(user, pass ?? ""));
  if (options.nkeySeed !== undefined) authenticator.push(nkeyAuthenticator(options.nkeySeed));
  return {
    servers: [...servers],
    name,
    ...(tls ? { tls: {} } : {}),
    ...(authenticator.length > 0 ? { authenticator } : {}),
    timeout: DIAL_TIMEOUT_MS,
    pingInterval: PING_INTERVAL_MS,
    maxPingOut: 2,
    reconnect: true,
    maxReconnectAttempts: -1,
    reconnectTimeWait: RECONNECT_WAIT_MS,
    reconnectJitter: RECONNECT_WAIT_MS,
    reconnectJitterTLS: RECONNECT_WAIT_MS,
    // A server that comes back before its users are known refuses at first.
    ignoreAuthErrorAbort: true,
    // Messages of this session reach its own subscriptions without the trip: see Topics.
    noEcho: true,
    // A stack for every request costs half of the throughput.
    noAsyncTraces: true,
  };
}
