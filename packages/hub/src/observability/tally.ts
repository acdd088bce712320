import type { ErrorKind } from "@conat/conat/internal";
import { Histogram } from "prom-client";

/** What takes time that somebody waits for. */
export type TimedOperation = "handshake" | "open" | "write" | "read" | "list" | "destroy";

/** From what a server on the same machine answers in to what a client gives up after, in seconds. */
const DURATION_BUCKETS_S = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1, 5, 15];

/** Durations that are noted together, off the way of what was timed: each has its labels checked and looked up. */
const TIMES_AT_ONCE = 1_000;

/** What a hub has counted since it started. Plain numbers: the metrics page turns them into its format when asked. */
export class Tally {
  framesIn = 0;
  bytesIn = 0;
  framesOut = 0;
  bytesOut = 0;
  connectionsAccepted = 0;
  /** Rules that threw, and so denied. */
  ruleErrors = 0;
  /** Feeds that were stopped because their reader did not keep up. */
  slowReaders = 0;
  /** PubSub messages dropped because their reader did not keep up. */
  laggedMessages = 0;
  /** How long operations took, from a client's message to the answer. */
  readonly durations = new Histogram({
    name: "conat_operation_seconds",
    help: "Time from a client's message to the answer, by operation",
    labelNames: ["operation"],
    buckets: DURATION_BUCKETS_S,
    registers: [],
    collect: () => this.#noteTimes(),
  });
  #times: { readonly operation: TimedOperation; readonly seconds: number }[] = [];
  readonly #notices = new Map<string, number>();
  readonly #limited = new Map<string, number>();
  readonly #refused = new Map<ErrorKind, number>();
  readonly #ignored = new Map<IgnoredReason, number>();

  /** Notes an operation that is answered now. @param startedAt of `performance.now()` */
  time(operation: TimedOperation, startedAt: number): void {
    const seconds = (performance.now() - startedAt) / 1_000;
    if (this.#times.push({ operation, seconds }) >= TIMES_AT_ONCE) this.#noteTimes();
  }

  #noteTimes(): void {
    for (const { operation, seconds } of this.#times)
      this.durations.observe({ operation }, seconds);
    this.#times = [];
  }

  get refused(): ReadonlyMap<ErrorKind, number> {
    return this.#refused;
  }

  get ignored(): ReadonlyMap<IgnoredReason, number> {
    return this.#ignored;
  }

  /** Notices of hubs to each other that came into force here, by type. */
  get notices(): ReadonlyMap<string, number> {
    return this.#notices;
  }

  countNotice(type: string): void {
    this.#notices.set(type, (this.#notices.get(type) ?? 0) + 1);
  }

  /** How often each limit was met. */
  get limited(): ReadonlyMap<string, number> {
    return this.#limited;
  }

  countLimited(limit: string): void {
    this.#limited.set(limit, (this.#limited.get(limit) ?? 0) + 1);
  }

  countRefused(kind: ErrorKind): void {
    this.#refused.set(kind, (this.#refused.get(kind) ?? 0) + 1);
  }

  countIgnored(reason: IgnoredReason): void {
    this.#ignored.set(reason, (this.#ignored.get(reason) ?? 0) + 1);
  }
}

/**
 * Why a frame got no answer. `bad-frame`: no packet of the protocol; the connection is closed. `unknown-event`: an
 * event this version does not know. `bad-message`: an event whose arguments are wrong and name nothing to answer.
 * `internal`: handling it failed, which is logged.
 */
export type IgnoredReason = "bad-frame" | "unknown-event" | "bad-message" | "internal";
