import { type ConatError, toConatError } from "../protocol/conat-error.ts";
import type { Environment } from "../transport/environment.ts";
import { Emitter } from "../util/emitter.ts";
import {
  type Connection,
  type ConnectionEffect,
  type ConnectionEvent,
  type ConnectionOptions,
  startConnection,
  stepConnection,
} from "./connection-state.ts";
import type { SessionState, SessionStatus } from "./session.ts";

export interface ConnectionDriver {
  /** Makes one attempt and tells by `step` how it goes; a rejection is a loss. Lets go of it all on `abort`. */
  connect(signal: AbortSignal): Promise<void>;
  /** Sends nothing new any more, and steps on as soon as everything is answered. */
  settle(): void;
  onConnected(): void;
  onDisconnected(error: ConatError): void;
  /** Refused or closed: there will be no further attempt. */
  onEnded(error: ConatError): void;
}

/** Runs the connection's state machine: keeps its state and its one timer, and tells the driver what to do. */
export class ConnectionRunner {
  readonly #environment: Environment;
  readonly #driver: ConnectionDriver;
  readonly #events = new Emitter<{ status: [SessionStatus] }>();
  readonly #stopWatching: () => void;
  #connection: Connection;
  #status: SessionStatus;
  #attempt = new AbortController();
  #stopTimer: (() => void) | undefined;

  /** Starts the first attempt; nothing calls back before this has returned. */
  constructor(options: ConnectionOptions, environment: Environment, driver: ConnectionDriver) {
    this.#environment = environment;
    this.#driver = driver;
    const { connection, effects } = startConnection(options);
    this.#connection = connection;
    this.#status = toStatus(connection);
    this.#stopWatching = environment.watchDevice((type) => this.step({ type }));
    this.#run(effects);
  }

  get status(): SessionStatus {
    return this.#status;
  }

  get connected(): boolean {
    return isConnected(this.#status.state);
  }

  /** Why there will be no further attempt, if there will be none. */
  get ended(): ConatError | undefined {
    return isFinal(this.#status.state) ? this.#status.error : undefined;
  }

  onStatus(listener: (status: SessionStatus) => void): () => void {
    return this.#events.on("status", listener);
  }

  step(event: ConnectionEvent): void {
    const before = this.#status;
    const random = this.#environment.random();
    const { connection, effects } = stepConnection(this.#connection, event, random);
    const { state, error, attempt } = connection;
    this.#connection = connection;
    const changed = state !== before.state || error !== before.error || attempt !== before.attempt;
    if (changed) this.#status = toStatus(connection);
    this.#run(effects);
    if (!changed) return;
    if (state === "ready") this.#driver.onConnected();
    if (error !== undefined && isConnected(before.state) && !isConnected(state)) {
      // Who closes the session wants no news of the connection.
      if (state !== "closed") this.#driver.onDisconnected(error);
    }
    if (error !== undefined && isFinal(state) && !isFinal(before.state)) {
      this.#driver.onEnded(error);
    }
    this.#events.emit("status", this.#status);
  }

  /** Ends the attempts, and everything this holds. Idempotent. */
  close(): void {
    this.step({ type: "close" });
    this.#stopWatching();
    this.#events.removeAllListeners();
  }

  #run(effects: readonly ConnectionEffect[]): void {
    for (const effect of effects) {
      switch (effect.type) {
        case "connect":
          this.#connect();
          break;
        case "disconnect":
          this.#attempt.abort();
          break;
        case "settle":
          queueMicrotask(() => this.#driver.settle());
          break;
        case "wait":
          this.#stopTimer?.();
          this.#stopTimer = this.#environment.startTimer(
            () => this.step({ type: "due" }),
            effect.delayMs,
          );
          break;
        case "stop-waiting":
          this.#stopTimer?.();
          break;
      }
    }
  }

  #connect(): void {
    this.#attempt = new AbortController();
    const { signal } = this.#attempt;
    // In a later turn, so that whatever the driver does finds this step completed.
    Promise.resolve()
      .then(() => this.#driver.connect(signal))
      .catch((error: unknown) => {
        if (!signal.aborted) this.step({ type: "lost", error: toConatError(error, "unavailable") });
      });
  }
}

function toStatus({ state, error, attempt }: Connection): SessionStatus {
  return { state, error, attempt };
}

/** While draining, the connection still carries everything. */
function isConnected(state: SessionState): boolean {
  return state === "ready" || state === "draining";
}

function isFinal(state: SessionState): boolean {
  return state === "refused" || state === "closed";
}
