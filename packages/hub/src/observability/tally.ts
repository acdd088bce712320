import type { ErrorKind } from "@conat/conat/internal";
import { Durations } from "./durations.ts";

/** What takes time that somebody waits for. */
export type TimedOperation = "handshake" | "open" | "write" | "read" | "list" | "destroy";

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
  readonly #durations = new Map<TimedOperation, Durations>();
  readonly #notices = new Map<string, number>();
  readonly #limited = new Map<string, number>();
  readonly #refused = new Map<ErrorKind, number>();
  readonly #ignored = new Map<IgnoredReason, number>();

  /** Notes an operation that is answered now. @param startedAt of `performance.now()` */
  time(operation: TimedOperation, startedAt: number): void {
    let durations = this.#durations.get(operation);
    if (durations === undefined) {
      durations = new Durations();
      this.#durations.set(operation, durations);
    }
    durations.note((performance.now() - startedAt) / 1_000);
  }

  /** How long operations took, from a client's message to the answer. */
  get durations(): ReadonlyMap<TimedOperation, Durations> {
    return this.#durations;
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
