import type { DkvOptions } from "../dkv/dkv-options.ts";
import { ConatError } from "../protocol/conat-error.ts";
import { PubSub, type PubSubOptions } from "../pubsub/pubsub.ts";
import type { Session } from "../session/session.ts";
import { reportUncaught } from "../util/emitter.ts";
import { StoreHandle } from "./store-handle.ts";

export interface ActionsOptions {
  /** Whose connection the stores and channels use. @default the process-wide client */
  readonly client?: { readonly session: Session } | undefined;
}

/**
 * Base of a class that acts on shared state: what it opens with `dkv` and `pubsub` can be used at once, and `close()`
 * lets go of all of it, listeners included, also when a store is not open yet.
 *
 * ```ts
 * class BuildActions extends Actions {
 *   readonly #store: StoreHandle<BuildState>;
 *
 *   constructor(client: Client, project_id: string) {
 *     super({ client });
 *     this.#store = this.dkv<BuildState>({ project_id, name: "build", ephemeral: true });
 *     this.#store.on("change", ({ key, value }) => …);
 *   }
 *
 *   stop(): void {
 *     this.#store.set("stop", true);
 *   }
 * }
 * ```
 */
export class Actions {
  readonly #client: ActionsOptions["client"];
  readonly #stores: Pick<StoreHandle, "ready" | "close">[] = [];
  #releases: (() => void)[] = [];
  #closing: Promise<void> | undefined;

  constructor({ client }: ActionsOptions = {}) {
    this.#client = client;
  }

  get closed(): boolean {
    return this.#closing !== undefined;
  }

  /**
   * Resolves when every store opened so far is open.
   * @throws ConatError why one of them cannot be opened
   */
  async ready(): Promise<void> {
    await Promise.all(this.#stores.map((store) => store.ready()));
  }

  /**
   * Lets go of everything. What waits for a store to open is done first, and what was written is stored. Need not be
   * awaited; the promise rejects when something could not be stored.
   */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    this.#closing.catch(() => {}); // reported to whoever awaits it
    return this.#closing;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /**
   * Opens a store that can be used at once, and lets go of it on `close()`.
   * @throws ConatError `closed` after `close()`
   */
  protected dkv<T = unknown>(options: DkvOptions<T>): StoreHandle<T> {
    this.#assertOpen();
    const onError = (error: ConatError): void => this.onError(error);
    const store = new StoreHandle({ client: this.#client, ...options }, { onError });
    this.#stores.push(store as Pick<StoreHandle, "ready" | "close">);
    return store;
  }

  /**
   * Opens a channel, and closes it on `close()`.
   * @throws ConatError `bad-options`, `bad-name`; `closed` after `close()`
   */
  protected pubsub<T = unknown>(options: PubSubOptions): PubSub<T> {
    this.#assertOpen();
    const channel = new PubSub<T>({ client: this.#client, ...options });
    this.onClose(() => channel.close());
    return channel;
  }

  /** Calls `release` on `close()`, the last one first; at once when that was before. For timers and listeners. */
  protected onClose(release: () => void): void {
    if (this.closed) release();
    else this.#releases.push(release);
  }

  /** Told what nobody awaits: why a store cannot be opened, or why an operation that waited for it failed. */
  protected onError(error: ConatError): void {
    reportUncaught(error);
  }

  async #close(): Promise<void> {
    // What is released may still write a last word.
    for (const release of this.#releases.splice(0).reverse()) {
      try {
        release();
      } catch (error) {
        reportUncaught(error);
      }
    }
    await Promise.all(this.#stores.map((store) => store.close()));
  }

  #assertOpen(): void {
    if (this.closed) throw new ConatError("closed", "these actions were closed");
  }
}
