import { setMaxListeners } from "node:events";
import type { NatsConnection } from "@nats-io/nats-core";
import { ConatError } from "../protocol/conat-error.ts";
import { Limiter } from "./limiter.ts";
import { NatsLink } from "./nats-link.ts";
import type { ResolvedOptions } from "./options.ts";

/** Small loads at the same time: the server answers each in 0.4 ms, mostly one after the other. */
const SMALL_LOADS = 32;

/** Consumers at the same time: each keeps a connection busy, and a stream has 1,000 of them at most. */
const BULK_LOADS = 4;

/** Longer than a pull that finds nothing. */
const IDLE_TIMEOUT_MS = 10_000;

/** What a load needs to talk to the server. */
export interface Lane {
  readonly connection: NatsConnection;
  readonly idleTimeoutMs: number;
  /** Aborted when the lane's connection is lost. */
  readonly signal: AbortSignal;
}

/**
 * The second connection, for loads: the server answers them in the order they come in, and a large one would hold up
 * every write and every live entry behind it. Opened with the first load.
 */
export class LoadLane {
  readonly #link: NatsLink;
  readonly #small = new Limiter(SMALL_LOADS);
  readonly #bulk = new Limiter(BULK_LOADS);
  readonly #timeoutMs: number;
  readonly #waiting = new Set<() => void>();
  #isClosed = false;
  #lane: Lane | undefined;
  #up = new AbortController();
  #failure: ConatError | undefined;

  constructor(options: ResolvedOptions) {
    this.#timeoutMs = options.requestTimeoutMs;
    this.#link = new NatsLink(options, `${options.name} loads`, {
      onUp: (connection) => {
        this.#up = new AbortController();
        setMaxListeners(0, this.#up.signal);
        this.#lane = {
          connection,
          idleTimeoutMs: IDLE_TIMEOUT_MS,
          signal: this.#up.signal,
        };
        this.#wake();
      },
      onAttempt: () => {},
      onDown: (error) => this.#down(error),
      onRefused: (error) => this.#down(error),
    });
  }

  /** Loads under way or waiting. */
  get size(): number {
    return this.#small.size + this.#bulk.size;
  }

  /** Begins to connect, for a load that is about to come. */
  start(): void {
    if (!this.#isClosed) this.#link.start();
  }

  /** Runs a load that is one request or a few. @throws ConatError `unavailable` when there is no connection in time */
  small<T>(load: (lane: Lane) => Promise<T>): Promise<T> {
    return this.#small.run(async () => load(await this.#ready()));
  }

  /** Runs a load of a whole large store. */
  bulk<T>(load: (lane: Lane) => Promise<T>): Promise<T> {
    return this.#bulk.run(async () => load(await this.#ready()));
  }

  /** Tries another server, where there is one: what this one answers is of no use. */
  elsewhere(): void {
    this.#link.elsewhere();
  }

  /** Loads that are under way must have been aborted before; this waits until they have cleaned up. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#wake();
    await Promise.all([this.#small.idle(), this.#bulk.idle()]);
    await this.#link.close();
  }

  async #ready(): Promise<Lane> {
    this.start();
    if (!this.#isClosed && this.#lane === undefined) await this.#wait();
    if (this.#lane !== undefined) return this.#lane;
    throw new ConatError("unavailable", "there is no connection to load a store over", {
      cause: this.#failure,
    });
  }

  #wait(): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        this.#waiting.delete(done);
        resolve();
      };
      const timer = setTimeout(done, this.#timeoutMs);
      this.#waiting.add(done);
    });
  }

  #wake(): void {
    for (const done of [...this.#waiting]) done();
  }

  #down(error: ConatError): void {
    this.#failure = error;
    this.#lane = undefined;
    this.#up.abort(error);
  }
}
