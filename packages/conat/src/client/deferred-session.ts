import { ConatError } from "../protocol/conat-error.ts";
import type { Entry } from "../protocol/entry.ts";
import type { StoreRef, TopicRef } from "../protocol/scope.ts";
import { ConnectionRunner } from "../session/connection-runner.ts";
import type { ConnectionOptions } from "../session/connection-state.ts";
import { Outbox } from "../session/outbox.ts";
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
} from "../session/session.ts";
import { whenReady } from "../session/when-ready.ts";
import type { Environment } from "../transport/environment.ts";
import { Emitter } from "../util/emitter.ts";
import { tell } from "../util/tell.ts";

/** Something opened before there is a session to open it on. */
interface Waiting {
  start(inner: Session): void;
  end(error: ConatError): void;
}

/**
 * A session that exists at once while the real one is opened, again and again until that succeeds. From then on it
 * only hands calls over.
 */
export class DeferredSession implements Session {
  readonly #environment: Environment;
  readonly #open: () => Promise<Session>;
  readonly #opening: ConnectionRunner;
  readonly #events = new Emitter<{ status: [SessionStatus] }>();
  readonly #waiting = new Set<Waiting>();
  readonly #outbox = new Outbox<TopicRef>();
  #inner: Session | undefined;
  #lastWrite = 0;

  constructor(environment: Environment, open: () => Promise<Session>, options: ConnectionOptions) {
    this.#environment = environment;
    this.#open = open;
    this.#opening = new ConnectionRunner(options, environment, {
      connect: (signal) => this.#connect(signal),
      onConnected: () => {},
      onDisconnected: () => {},
      onEnded: (error) => this.#end(error),
    });
    this.#opening.onStatus((status) => {
      if (this.#inner === undefined) this.#events.emit("status", status);
    });
  }

  get origin(): string {
    return this.#inner?.origin ?? "";
  }

  get status(): SessionStatus {
    return (this.#inner ?? this.#opening).status;
  }

  onStatus(listener: (status: SessionStatus) => void): () => void {
    return this.#events.on("status", listener);
  }

  ready(timeoutMs?: number): Promise<void> {
    return whenReady(this, timeoutMs);
  }

  serverTime(): number {
    return this.#inner?.serverTime() ?? this.#environment.now();
  }

  /** Counted here, also before there is a session. */
  nextWrite(): number {
    this.#lastWrite += 1;
    return this.#lastWrite;
  }

  openStore(ref: StoreRef, listener: FeedListener, options?: OpenStoreOptions): Feed {
    return this.#defer(
      (inner) => inner.openStore(ref, listener, options),
      (error) => listener({ type: "closed", error }),
    );
  }

  write(
    ref: StoreRef,
    mutations: readonly Mutation[],
    onResult: (result: WriteResult) => void,
  ): void {
    if (this.#inner !== undefined) {
      this.#inner.write(ref, mutations, onResult);
      return;
    }
    const error =
      this.#opening.ended ?? new ConatError("unavailable", "not connected to NATS; not stored");
    queueMicrotask(() => {
      for (const { write } of mutations) tell(onResult, { write, ok: false, error });
    });
  }

  async read(ref: StoreRef, key: string): Promise<Entry | undefined> {
    if (this.#inner === undefined) await this.ready();
    if (this.#inner === undefined) throw new ConatError("unavailable", "not connected to NATS");
    return this.#inner.read(ref, key);
  }

  publish(topic: TopicRef, message: TopicMessage): void {
    if (this.#inner !== undefined) this.#inner.publish(topic, message);
    else if (this.#opening.ended === undefined) this.#outbox.add(topic, message.data);
  }

  subscribe(topic: TopicRef, listener: TopicListener): Subscription {
    return this.#defer(
      (inner) => inner.subscribe(topic, listener),
      (error) => listener.onClosed(error),
    );
  }

  async close(): Promise<void> {
    this.#opening.close();
    await this.#inner?.close();
    this.#events.removeAllListeners();
  }

  async #connect(signal: AbortSignal): Promise<void> {
    const inner = await this.#open();
    if (signal.aborted) {
      await inner.close();
      return;
    }
    this.#inner = inner;
    this.#opening.step({ type: "opened" });
    this.#opening.step({ type: "welcomed" });
    inner.onStatus((status) => this.#events.emit("status", status));
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const item of waiting) item.start(inner);
    for (;;) {
      const message = this.#outbox.shift();
      if (message === undefined) break;
      inner.publish(message[0], { data: message[1], origin: inner.origin });
    }
    this.#events.emit("status", inner.status);
  }

  #end(error: ConatError): void {
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    this.#outbox.clear();
    for (const item of waiting) tell((why) => item.end(why), error);
  }

  #defer(
    start: (inner: Session) => { close(): void },
    end: (error: ConatError) => void,
  ): { close(): void } {
    if (this.#inner !== undefined) return start(this.#inner);
    let opened: { close(): void } | undefined;
    const item: Waiting = {
      start: (inner) => {
        opened = start(inner);
      },
      end,
    };
    this.#waiting.add(item);
    const { ended } = this.#opening;
    if (ended !== undefined) {
      queueMicrotask(() => {
        if (this.#waiting.delete(item)) tell(end, ended);
      });
    }
    return {
      close: () => {
        if (!this.#waiting.delete(item)) opened?.close();
      },
    };
  }
}
