import { setMaxListeners } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import type { NatsConnection } from "@nats-io/nats-core";
import { ConatError } from "../protocol/conat-error.ts";
import { backoffMs } from "../session/backoff.ts";
import type { SessionState, SessionStatus } from "../session/session.ts";
import { Emitter } from "../util/emitter.ts";
import { type Buckets, type OpenedBuckets, openBuckets } from "./buckets.ts";
import { Elections } from "./elections.ts";
import type { ReadyState } from "./feed-host.ts";
import { shakeHands } from "./handshake.ts";
import { fromNatsError } from "./nats-error.ts";
import { NatsLink } from "./nats-link.ts";
import type { ResolvedOptions } from "./options.ts";

/** Pause between two checks whether the buckets are still there, in milliseconds. */
const BUCKET_CHECK_MS = 1_000;

/** Checks after something suggested one: a leader that is cut off from its cluster notices only after some 20 s. */
const CHECKS_IN_DOUBT = 3;

/**
 * So often in a row JetStream does not answer before another server is tried: this one may be cut off from its cluster.
 * One after the other, so that an election, which takes up to 9 s, is over before that.
 */
const MAX_UNANSWERED = 2;

/** Longest time until a session that nothing tells so comes to know that a bucket has another history, in milliseconds. */
const SLOW_CHECK_MS = 20_000;

export interface ReadinessEvents {
  onReady(ready: ReadyState): void;
  /** The connection is the same, but a bucket has another history now. */
  onBucketsChanged(ready: ReadyState): void;
  /** A stream has a leader again, or another one. */
  onElected(stream: string): void;
  /** Not ready any more; it will be again. */
  onSuspended(error: ConatError): void;
  /** Over for good: refused or closed. */
  onEnded(error: ConatError): void;
}

/** Keeps a session connected, with its buckets open, and knows how that goes. */
export class Readiness {
  readonly #options: ResolvedOptions;
  readonly #events: ReadinessEvents;
  readonly #link: NatsLink;
  readonly #elections = new Elections();
  readonly #listeners = new Emitter<{ status: [status: SessionStatus] }>();
  #status: SessionStatus = { state: "connecting", error: undefined, attempt: 0 };
  #ready: ReadyState | undefined;
  #buckets: Buckets | undefined;
  #clockOffsetMs = 0;
  /** Aborted when the connection, or what was found on it, is no longer what it was. */
  #current = new AbortController();
  #lastBucketCheck = Number.NEGATIVE_INFINITY;
  #bucketCheckTimer: NodeJS.Timeout | undefined;
  #nextBucketCheck = Number.POSITIVE_INFINITY;
  #isChecking = false;
  /** Checks that are left of those that something suggested. */
  #doubts = 0;
  /** Checks in a row that got no answer. */
  #unanswered = 0;

  constructor(options: ResolvedOptions, events: ReadinessEvents) {
    this.#options = options;
    this.#events = events;
    this.#elections.onElected((stream) => events.onElected(stream));
    this.#link = new NatsLink(options, options.name, {
      onUp: (connection) => void this.#shakeHands(connection),
      onAttempt: () => this.#attempted(),
      onDown: (error) => this.#suspend(error),
      onRefused: (error) => this.#refuse(error),
    });
  }

  get status(): SessionStatus {
    return this.#status;
  }

  get ready(): ReadyState | undefined {
    return this.#ready;
  }

  /** The buckets as they were found last; `undefined` until they were found once. */
  get buckets(): Buckets | undefined {
    return this.#buckets;
  }

  /** The server's clock minus ours, in milliseconds. */
  get clockOffsetMs(): number {
    return this.#clockOffsetMs;
  }

  /** Refused or closed: nothing will be ready any more. */
  get hasEnded(): boolean {
    return this.#status.state === "refused" || this.#status.state === "closed";
  }

  onStatus(listener: (status: SessionStatus) => void): () => void {
    return this.#listeners.on("status", listener);
  }

  /** Why there is no {@link ready} state. */
  reason(): ConatError {
    const { state, error } = this.#status;
    if (error !== undefined && this.hasEnded) return error;
    const { shown } = this.#options.addresses;
    const why = error === undefined ? "" : `: ${error.message}`;
    return new ConatError("unavailable", `not connected to ${shown} (${state})${why}`, {
      cause: error,
    });
  }

  start(): void {
    this.#link.start();
  }

  async close(): Promise<void> {
    this.#end("closed", new ConatError("closed", "the session is closed"));
    await this.#link.close();
  }

  /** Something suggests that a bucket is gone or has another history: looks, soon, and starts over if that is so. */
  checkBuckets(): void {
    this.#doubts = CHECKS_IN_DOUBT;
    const waitMs = this.#lastBucketCheck + BUCKET_CHECK_MS - performance.now();
    if (waitMs <= 0) void this.#checkBuckets();
    else this.#checkBucketsIn(waitMs);
  }

  #checkBucketsIn(waitMs: number): void {
    const at = performance.now() + waitMs;
    if (at >= this.#nextBucketCheck) return;
    this.#nextBucketCheck = at;
    clearTimeout(this.#bucketCheckTimer);
    this.#bucketCheckTimer = setTimeout(() => {
      this.#nextBucketCheck = Number.POSITIVE_INFINITY;
      void this.#checkBuckets();
    }, waitMs);
    this.#bucketCheckTimer.unref();
  }

  async #checkBuckets(): Promise<void> {
    const { ready } = this;
    if (ready === undefined) return;
    if (this.#isChecking) {
      this.#checkBucketsIn(BUCKET_CHECK_MS);
      return;
    }
    this.#lastBucketCheck = performance.now();
    this.#doubts -= 1;
    this.#isChecking = true;
    const opened = await openBuckets(
      ready.connection,
      this.#options,
      ready.buckets,
      this.#elections,
    ).catch(
      // A server that cannot tell now is asked again by whatever fails next.
      () => undefined,
    );
    this.#isChecking = false;
    if (ready !== this.#ready) return;
    // Nothing need fail once more where everybody only reads.
    this.#checkBucketsIn(ready.buckets.haveGoneBack ? BUCKET_CHECK_MS : SLOW_CHECK_MS);
    this.#unanswered = opened === undefined ? this.#unanswered + 1 : 0;
    if (opened === undefined) {
      this.#tryElsewhere(this.#unanswered);
      return;
    }
    if (opened.buckets.isSameAs(ready.buckets)) {
      // Who can tell for certain, because they write, may be about to say so in the bucket.
      if (this.#doubts > 0) this.#checkBucketsIn(2 * this.#options.requestTimeoutMs);
      return;
    }
    const { signal } = this.#renew();
    this.#events.onBucketsChanged(this.#take(ready.connection, opened, signal));
  }

  async #shakeHands(connection: NatsConnection): Promise<void> {
    const current = this.#renew();
    this.#elections.listen(connection);
    this.#setStatus("handshaking", undefined, this.#status.attempt);
    for (let failures = 0; !current.signal.aborted; failures += 1) {
      try {
        const opened = await shakeHands(connection, this.#options, this.#buckets, this.#elections);
        if (!current.signal.aborted) this.#resume(connection, opened, current);
        return;
      } catch (cause) {
        if (current.signal.aborted) return;
        const error = fromNatsError(cause, "open the buckets");
        if (isFinal(error)) {
          this.#refuse(error);
          return;
        }
        this.#setStatus("handshaking", error, this.#status.attempt);
        this.#tryElsewhere(failures + 1);
      }
      const waitMs = backoffMs(failures + 1, this.#options.random());
      await sleep(waitMs, undefined, { signal: current.signal }).catch(() => {});
    }
  }

  #tryElsewhere(unanswered: number): void {
    if (unanswered < MAX_UNANSWERED) return;
    this.#unanswered = 0;
    this.#link.elsewhere();
  }

  #renew(): AbortController {
    this.#current.abort();
    this.#current = new AbortController();
    // Every load that runs listens to it; their number is bounded elsewhere.
    setMaxListeners(0, this.#current.signal);
    return this.#current;
  }

  #resume(connection: NatsConnection, opened: OpenedBuckets, { signal }: AbortController): void {
    this.#events.onReady(this.#take(connection, opened, signal));
    this.#setStatus("ready", undefined, 0);
  }

  #take(connection: NatsConnection, opened: OpenedBuckets, signal: AbortSignal): ReadyState {
    const isNew = this.#buckets !== undefined && !opened.buckets.isSameAs(this.#buckets);
    this.#buckets = opened.buckets;
    this.#clockOffsetMs = opened.clockOffsetMs;
    const ready = { connection, buckets: opened.buckets, signal };
    this.#ready = ready;
    // Of two sessions that give a bucket a new epoch at the same time one wins; by then the other can know.
    this.#checkBucketsIn(isNew ? 2 * this.#options.requestTimeoutMs : SLOW_CHECK_MS);
    return ready;
  }

  #suspend(error: ConatError): void {
    if (this.hasEnded) return;
    const wasReady = this.#ready !== undefined;
    this.#ready = undefined;
    this.#current.abort(error);
    if (wasReady) this.#events.onSuspended(error);
    this.#setStatus("waiting", error, this.#status.attempt);
  }

  #attempted(): void {
    const { error, attempt } = this.#status;
    this.#setStatus("connecting", error, attempt + 1);
  }

  #refuse(error: ConatError): void {
    this.#end("refused", error);
    void this.#link.close();
  }

  #end(state: "refused" | "closed", error: ConatError): void {
    if (this.#status.state === "closed") return;
    this.#ready = undefined;
    clearTimeout(this.#bucketCheckTimer);
    this.#current.abort(error);
    this.#events.onEnded(error);
    this.#setStatus(state, error, this.#status.attempt);
  }

  #setStatus(state: SessionState, error: ConatError | undefined, attempt: number): void {
    if (this.hasEnded && state !== "closed") return;
    this.#status = { state, error, attempt };
    this.#listeners.emit("status", this.#status);
  }
}

function isFinal({ kind }: ConatError): boolean {
  return kind === "server-too-old" || kind === "bad-options" || kind === "forbidden";
}
