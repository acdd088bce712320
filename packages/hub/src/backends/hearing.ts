import type { Msg, NatsConnection, Subscription } from "@nats-io/transport-node";

/** How long what NATS has refused stays refused before it is asked again, in milliseconds: it costs two short lines. */
const ASK_AGAIN_MS = 1_000;

/** Something to listen to. */
export interface Ear {
  readonly subject: string;
  /** Name of those of whom only one hears a message. @default all hear it */
  readonly queue?: string | undefined;
  readonly onMessage: (message: Msg) => void;
}

export interface HearingOptions {
  readonly nats: NatsConnection;
  readonly ears: readonly Ear[];
  /** NATS refuses something, and nothing before that it has not granted since. */
  readonly onDeaf: (error: Error) => void;
  /** NATS has granted all that it had refused. */
  readonly onMended: () => void;
}

/**
 * Listens to subjects that NATS may refuse, at first or when its configuration changes. What it has refused is asked for
 * again until it is granted.
 */
export class Hearing {
  readonly #options: HearingOptions;
  readonly #subscriptions = new Map<Ear, Subscription>();
  /** Why NATS does not let it hear everything. */
  #deafness: Error | undefined;
  #timer: NodeJS.Timeout | undefined;
  #isStopped = false;

  constructor(options: HearingOptions) {
    this.#options = options;
    this.#listen();
  }

  get deafness(): Error | undefined {
    return this.#deafness;
  }

  /** Listens to nothing any more. */
  stop(): void {
    this.#isStopped = true;
    clearTimeout(this.#timer);
    for (const subscription of this.#subscriptions.values()) {
      if (!this.#options.nats.isClosed()) subscription.unsubscribe();
    }
    this.#subscriptions.clear();
  }

  #listen(): void {
    const { nats, ears } = this.#options;
    for (const ear of ears) {
      if (this.#subscriptions.has(ear)) continue;
      const subscription = nats.subscribe(ear.subject, {
        ...(ear.queue === undefined ? {} : { queue: ear.queue }),
        callback: (error, message) => {
          if (error) this.#onRefused(ear, error);
          else ear.onMessage(message);
        },
      });
      this.#subscriptions.set(ear, subscription);
    }
  }

  #onRefused(ear: Ear, error: Error): void {
    this.#subscriptions.delete(ear);
    if (this.#isStopped) return;
    if (this.#deafness === undefined) {
      this.#deafness = error;
      this.#options.onDeaf(error);
    }
    this.#askLater();
  }

  #askLater(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#askAgain(), ASK_AGAIN_MS).unref();
  }

  async #askAgain(): Promise<void> {
    const { nats, ears, onMended } = this.#options;
    if (this.#isStopped || nats.isClosed() || nats.isDraining()) return;
    this.#listen();
    try {
      // What the server refuses it refuses before it answers this.
      await nats.flush();
    } catch {
      // The connection broke: once it is back, everything is asked for anew.
      this.#askLater();
      return;
    }
    if (this.#isStopped || this.#subscriptions.size < ears.length) return;
    this.#deafness = undefined;
    onMended();
  }
}
