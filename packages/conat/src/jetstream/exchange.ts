import { createInbox, type NatsConnection, type Subscription } from "@nats-io/nats-core";
import { ConatError } from "../protocol/conat-error.ts";
import { subscribeRaw } from "./frame-parser.ts";
import { LoadRaced } from "./load-raced.ts";
import { fromNatsError } from "./nats-error.ts";
import type { RawMessage } from "./raw-message.ts";

export interface ExchangeOptions {
  readonly connection: NatsConnection;
  /** The exchange fails when no message has come for this long, or for up to twice as long, in milliseconds. */
  readonly idleTimeoutMs: number;
  /** The exchange fails when one of these is aborted, with its reason. */
  readonly signals: readonly AbortSignal[];
}

/**
 * A conversation with the server in which one request has many answers. `listen` opens inboxes; the exchange ends when a
 * listener calls `end`, throws, or hears nothing for too long.
 */
export class Exchange {
  readonly #connection: NatsConnection;
  readonly #subscriptions: Subscription[] = [];
  readonly #idleTimeoutMs: number;
  readonly #signals: readonly AbortSignal[];
  readonly #timer: NodeJS.Timeout;
  #hasHeard = false;
  #settle: ((error?: unknown) => void) | undefined;
  /** Settles when the exchange has ended. */
  readonly ended: Promise<void>;

  constructor({ connection, idleTimeoutMs, signals }: ExchangeOptions) {
    this.#connection = connection;
    this.#idleTimeoutMs = idleTimeoutMs;
    this.#signals = signals;
    this.ended = new Promise((resolve, reject) => {
      this.#settle = (error) => (error === undefined ? resolve() : reject(error));
    });
    // Whoever waits gets the error; between two waits nobody does.
    this.ended.catch(() => {});
    this.#timer = setTimeout(this.#onIdle, idleTimeoutMs);
    for (const signal of signals) {
      signal.addEventListener("abort", this.#onAbort);
      if (signal.aborted) this.#onAbort();
    }
  }

  /** Opens an inbox whose messages go to `listener`. Returns its subject. */
  listen(listener: (message: RawMessage) => void): string {
    const inbox = createInbox();
    const onMessage = (message: RawMessage): void => {
      if (this.#settle === undefined) return;
      this.#hasHeard = true;
      try {
        listener(message);
      } catch (cause) {
        this.#fail(cause);
      }
    };
    const onError = (error: Error): void => this.#fail(error);
    this.#subscriptions.push(subscribeRaw(this.#connection, inbox, onMessage, onError));
    return inbox;
  }

  #fail(cause: unknown): void {
    this.end(cause instanceof LoadRaced ? cause : fromNatsError(cause, "load a store"));
  }

  request(subject: string, payload: object, reply: string): void {
    this.#connection.publish(subject, JSON.stringify(payload), { reply });
  }

  /** Ends the exchange; with an error it has failed. Idempotent. */
  end(error?: unknown): void {
    const settle = this.#settle;
    if (settle === undefined) return;
    this.#settle = undefined;
    clearTimeout(this.#timer);
    for (const signal of this.#signals) signal.removeEventListener("abort", this.#onAbort);
    for (const subscription of this.#subscriptions) subscription.unsubscribe();
    settle(error);
  }

  readonly #onAbort = (): void => this.end(this.#signals.find((signal) => signal.aborted)?.reason);

  /** Comes round every timeout, so that a message only has to leave a mark. */
  readonly #onIdle = (): void => {
    if (this.#hasHeard) {
      this.#hasHeard = false;
      this.#timer.refresh();
      return;
    }
    const message = `nats-server sent nothing for ${this.#idleTimeoutMs} ms while a store was loaded`;
    this.end(new ConatError("timeout", message));
  };
}
