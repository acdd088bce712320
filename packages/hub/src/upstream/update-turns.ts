import {
  ConatError,
  type Entry,
  type Mutation,
  type StoreRef,
  storeKey,
  type WriteResult,
} from "@conat/conat/internal";

/** Attempts of one key that may wait; further ones go to the server at once, and mostly lose there. */
const MAX_WAITING = 1_000;

/**
 * How long the next attempt waits for one whose turn it is, in milliseconds: longer than a round trip to a client nearby.
 * Of one further away nobody waits a second time: then all are told at once what is stored.
 */
const TURN_MS = 50;

type OnResult = (result: WriteResult) => void;

interface Attempt {
  readonly ref: StoreRef;
  readonly mutation: Mutation;
  readonly onResult: OnResult;
}

/** One key that several clients of this hub update at the same time. */
interface Contest {
  /** By who makes them, in the order in which they came. */
  readonly waiting: Map<string, Attempt>;
  isRunning: boolean;
  /** Who was refused last: its next attempt goes first. */
  turnOf: string | undefined;
  timer: NodeJS.Timeout | undefined;
}

export interface UpdateTurnsOptions {
  /** What this hub knows to be stored under a key; `undefined` where it does not follow the store. */
  readonly currentOf: (ref: StoreRef, key: string) => Entry | undefined;
  readonly write: (ref: StoreRef, mutation: Mutation, onResult: OnResult) => void;
}

/**
 * Lets the clients of this hub that update one key take turns. Each attempt is a compare-and-set, so of all that are
 * made at the same time one succeeds: the others wait here, and the next in line is told what is stored now when its
 * attempt can succeed. That changes the order in which attempts are made and nothing else; the server decides.
 */
export class UpdateTurns {
  readonly #options: UpdateTurnsOptions;
  readonly #contests = new Map<string, Contest>();
  /** Attempts that wait, by store. */
  readonly #waiting = new Map<string, number>();
  #isClosed = false;

  constructor(options: UpdateTurnsOptions) {
    this.#options = options;
  }

  /** Keys that are being updated. */
  get size(): number {
    return this.#contests.size;
  }

  /** Somebody waits for a turn at a key of the store: the next change is about to follow. */
  isContested(ref: StoreRef): boolean {
    return this.#waiting.size > 0 && this.#waiting.has(storeKey(ref));
  }

  /** Makes an attempt that its client makes again after a conflict. */
  write(attempt: Attempt): void {
    const { ref, mutation } = attempt;
    const slot = `${storeKey(ref)} ${mutation.key}`;
    const contest = this.#contests.get(slot);
    if (contest === undefined) {
      const first = { waiting: new Map(), isRunning: false, turnOf: undefined, timer: undefined };
      this.#contests.set(slot, first);
      this.#run(slot, first, attempt);
    } else if (contest.turnOf === mutation.origin) {
      this.#endTurn(contest);
      this.#run(slot, contest, attempt);
    } else if (contest.waiting.size < MAX_WAITING && !contest.waiting.has(mutation.origin)) {
      contest.waiting.set(mutation.origin, attempt);
      this.#countWaiting(ref, 1);
    } else {
      this.#options.write(ref, mutation, attempt.onResult);
    }
  }

  /** Refuses what waits. */
  close(error: ConatError): void {
    for (const contest of this.#contests.values()) {
      this.#endTurn(contest);
      const attempts = [...contest.waiting.values()];
      contest.waiting.clear();
      for (const { mutation, onResult } of attempts) {
        onResult({ write: mutation.write, ok: false, error });
      }
    }
    this.#contests.clear();
    this.#waiting.clear();
    this.#isClosed = true;
  }

  #run(slot: string, contest: Contest, { ref, mutation, onResult }: Attempt): void {
    contest.isRunning = true;
    this.#options.write(ref, mutation, (result) => {
      contest.isRunning = false;
      const isLost = !result.ok && result.error.kind === "conflict";
      // Somebody elsewhere was faster.
      if (isLost) this.#beginTurn(slot, contest, mutation.origin);
      onResult(result);
      // The replica has what was stored: entries are told before answers.
      if (!isLost) this.#next(slot, contest);
    });
  }

  #next(slot: string, contest: Contest): void {
    if (contest.isRunning || contest.turnOf !== undefined) return;
    const [next] = contest.waiting.values();
    if (next === undefined) {
      if (this.#contests.get(slot) === contest) this.#contests.delete(slot);
      return;
    }
    const { origin } = next.mutation;
    this.#take(contest, next);
    const current = this.#overtook(next);
    if (current === undefined) {
      this.#run(slot, contest, next);
      return;
    }
    this.#beginTurn(slot, contest, origin);
    refuse(next, current);
  }

  /** What is stored in the way of an attempt, as far as this hub knows. */
  #overtook({ ref, mutation }: Attempt): Entry | undefined {
    const current = this.#options.currentOf(ref, mutation.key);
    return current && current.seq > (mutation.expectedSeq ?? 0) ? current : undefined;
  }

  #beginTurn(slot: string, contest: Contest, origin: string): void {
    if (this.#isClosed) return;
    contest.turnOf = origin;
    contest.timer = setTimeout(() => {
      this.#endTurn(contest);
      this.#refuseOvertaken(contest);
      this.#next(slot, contest);
    }, TURN_MS);
    contest.timer.unref();
  }

  /** These clients are too far away to take turns, or gone: each makes its next attempt when it can. */
  #refuseOvertaken(contest: Contest): void {
    for (const attempt of contest.waiting.values()) {
      const current = this.#overtook(attempt);
      if (current === undefined) continue;
      this.#take(contest, attempt);
      refuse(attempt, current);
    }
  }

  /** The attempt waits no more. */
  #take(contest: Contest, { ref, mutation }: Attempt): void {
    contest.waiting.delete(mutation.origin);
    this.#countWaiting(ref, -1);
  }

  #countWaiting(ref: StoreRef, difference: 1 | -1): void {
    const key = storeKey(ref);
    const count = (this.#waiting.get(key) ?? 0) + difference;
    if (count === 0) this.#waiting.delete(key);
    else this.#waiting.set(key, count);
  }

  #endTurn(contest: Contest): void {
    clearTimeout(contest.timer);
    contest.turnOf = undefined;
  }
}

function refuse({ mutation, onResult }: Attempt, current: Entry): void {
  const error = new ConatError("conflict", "not stored: another update came first", { current });
  onResult({ write: mutation.write, ok: false, error });
}
