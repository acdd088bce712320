import { ConatError } from "../protocol/conat-error.ts";
import { within } from "../util/within.ts";
import type { DkvRunner } from "./dkv-runner.ts";

/** Attempts of one update before it fails with `conflict`. With jittered pauses, far beyond what 50 writers need. */
const MAX_ATTEMPTS = 200;

/** Longest pause between two attempts, in milliseconds. */
const MAX_PAUSE_MS = 50;

/** Read-modify-write by compare-and-set. Updates of one key by one store take turns. */
export class Updates {
  readonly #runner: DkvRunner;
  readonly #timeoutMs: number;
  readonly #tails = new Map<string, Promise<unknown>>();

  constructor(runner: DkvRunner, timeoutMs: number) {
    this.#runner = runner;
    this.#timeoutMs = timeoutMs;
  }

  /**
   * Stores what `attempt` returns for the value it sees; calls it again after a conflict. Resolves with what it stored.
   * The wait for its turn counts, too.
   */
  async run(
    key: string,
    attempt: () => Uint8Array | undefined,
    ttlMs: number,
  ): Promise<Uint8Array | undefined> {
    const deadline = performance.now() + this.#timeoutMs;
    const before = this.#tails.get(key) ?? Promise.resolve();
    const turn = before.then(() => this.#run(key, attempt, ttlMs, deadline));
    const tail = turn
      .catch(() => {})
      .then(() => {
        if (this.#tails.get(key) === tail) this.#tails.delete(key);
      });
    this.#tails.set(key, tail);
    return this.#within(deadline, key, turn);
  }

  async #run(
    key: string,
    attempt: () => Uint8Array | undefined,
    ttlMs: number,
    deadline: number,
  ): Promise<Uint8Array | undefined> {
    const runner = this.#runner;
    const { state, ledger } = runner;
    for (let attempts = 1; attempts <= MAX_ATTEMPTS; attempts += 1) {
      // Who has been told that it took too long is not surprised by an attempt made later.
      if (performance.now() > deadline) throw this.#late(key);
      runner.flush();
      // What is shown must not be taken back by an attempt, which is not shown.
      for (let last = runner.newestWrite(key); last; last = runner.newestWrite(key)) {
        await this.#within(deadline, key, ledger.outcomeOf(last));
        runner.flush();
      }
      const value = attempt();
      const ifSeq = state.knownSeq(key);
      const write = runner.write({
        key,
        value,
        ttlMs,
        headers: undefined,
        ifSeq,
        quiet: true,
        isUpdate: true,
      });
      runner.flush();
      const outcome = await this.#within(deadline, key, ledger.outcomeOf(write));
      if (outcome.status === "confirmed") return value;
      if (outcome.status === "outcome-unknown") throw outcome.error;
      if (outcome.status === "discarded")
        throw new ConatError("discarded", "the update was discarded");
      if (outcome.status === "rejected" && outcome.error.kind !== "conflict") throw outcome.error;
      // Mostly it is this writer's turn now.
      if (attempts > 1) await pause(Math.random() * Math.min(MAX_PAUSE_MS, attempts));
    }
    throw new ConatError(
      "conflict",
      `${JSON.stringify(key)} kept changing: ${MAX_ATTEMPTS} attempts to update it lost against other writers`,
    );
  }

  #within<Result>(deadline: number, key: string, work: Promise<Result>): Promise<Result> {
    return within(deadline - performance.now(), work, () => this.#late(key));
  }

  #late(key: string): ConatError {
    return new ConatError(
      "timeout",
      `updating ${JSON.stringify(key)} took over ${this.#timeoutMs} ms`,
    );
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
