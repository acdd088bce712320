import type { Client, ConatError, WriteOutcome } from "@conat/conat";
import { Actions, type StoreHandle } from "@conat/conat/actions";
import { createId } from "../model/create-id.ts";
import { type Build, type BuildStore, buildStore, type Person } from "../model/stores.ts";

export interface BuildActionsOptions {
  readonly client: Client;
  readonly project_id: string;
  /** Who runs and stops builds; asked anew each time, because people change their names. */
  readonly person: () => Person;
  /** How long a build takes, in milliseconds. @default 10_000 */
  readonly durationMs?: number | undefined;
}

/** What there is to show. */
export interface BuildView {
  readonly isReady: boolean;
  readonly build: Build | undefined;
  /** This very window runs it. */
  readonly isMine: boolean;
  /** Whoever ran it has gone without a word. */
  readonly isLost: boolean;
  readonly error: ConatError | undefined;
}

/** How long a runner that has died or is cut off keeps others from running, in milliseconds. */
const LEASE_MS = 5_000;
const RENEW_MS = 1_500;
const TICK_MS = 250;

interface Run {
  readonly id: string;
  readonly startedAt: number;
  renewedAt: number;
}

/**
 * Who is running the build, one at a time. Who starts takes the lease by compare-and-set, so that of two who press the
 * button in the same moment one gets it; the runner renews it, and it expires by itself when the runner is gone. Every
 * write of a runner is conditional: one that was cut off meanwhile overwrites nothing of its successor.
 */
export class BuildActions extends Actions {
  readonly #options: BuildActionsOptions;
  readonly #store: StoreHandle<BuildStore>;
  readonly #listeners = new Set<() => void>();
  #run: Run | undefined;
  #tick: ReturnType<typeof setInterval> | undefined;
  #error: ConatError | undefined;
  #view: BuildView | undefined;

  constructor(options: BuildActionsOptions) {
    super({ client: options.client });
    this.#options = options;
    this.#store = this.dkv(buildStore(options.project_id));
    this.#store.subscribe(() => this.#tell());
    this.#store.on("closed", (error) => this.#fail(error));
    this.onClose(() => this.#listeners.clear());
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  };

  /** The same object until something of it changes. */
  readonly view = (): BuildView => {
    const build = this.#store.get("build");
    const isRunning = build?.state === "running";
    this.#view ??= {
      isReady: this.#store.store !== undefined && this.#store.status !== "closed",
      build,
      isMine: isRunning && build.runId === this.#run?.id,
      isLost: isRunning && this.#store.get("lease")?.runId !== build.runId,
      error: this.#error,
    };
    return this.#view;
  };

  /** Starts the build if nobody runs it. Resolves with whether this window got it. */
  async start(): Promise<boolean> {
    const store = this.#store.store;
    if (store === undefined || this.closed || store.has("lease")) return false;
    const run: Run = { id: createId(), startedAt: performance.now(), renewedAt: performance.now() };
    const claim = await this.#renew(run);
    const isOvertaken = claim.status === "rejected" && claim.error.kind === "conflict";
    this.#fail("error" in claim && !isOvertaken ? claim.error : undefined);
    if (claim.status !== "confirmed" || this.closed) return false;
    this.#run = run;
    this.#tick = setInterval(() => this.#onTick(), TICK_MS);
    this.#put(this.#describe(run, "running"));
    return true;
  }

  /** Asks whoever runs the build to stop. */
  stop(): void {
    const { build } = this.view();
    if (build?.state !== "running") return;
    this.#store.set("stop", { runId: build.runId, by: this.#options.person().name });
  }

  /** Ends the run of this window, if it has one, for all to see. */
  abandon(): void {
    if (this.#run) this.#finish(this.#run, "stopped", `${this.#options.person().name}, who left`);
  }

  override close(): Promise<void> {
    this.abandon();
    return super.close();
  }

  protected override onError(error: ConatError): void {
    this.#fail(error);
  }

  #onTick(): void {
    const store = this.#store.store;
    const run = this.#run;
    if (store === undefined || run === undefined) return;
    if (store.closed || store.get("lease")?.runId !== run.id) {
      this.#endRun();
      return;
    }
    const stop = store.get("stop");
    if (stop?.runId === run.id) {
      this.#finish(run, "stopped", stop.by);
      return;
    }
    // What is not acknowledged yet is not piled up: the next tick tells more.
    if (!store.isStable("build") || !store.isStable("lease")) return;
    const build = this.#describe(run, "running");
    if (build.progress >= 1) {
      this.#finish(run, "done");
      return;
    }
    this.#put(build);
    if (performance.now() - run.renewedAt < RENEW_MS) return;
    void this.#renew(run).then(({ status }) => {
      if (status === "rejected") this.#endRun();
    });
  }

  /** Takes the lease, or keeps it, unless somebody else has taken it since. */
  async #renew(run: Run): Promise<WriteOutcome> {
    const store = await this.#store.ready();
    run.renewedAt = performance.now();
    const lease = { runId: run.id, runner: this.#options.person() };
    const options = { ifSeq: store.seq("lease"), ttlMs: LEASE_MS };
    return store.set("lease", lease, options).settled();
  }

  #put(build: Build): void {
    this.#store.do((store) => void store.set("build", build, { ifSeq: store.seq("build") }));
  }

  #finish(run: Run, state: "done" | "stopped", stoppedBy?: string): void {
    const build = this.#describe(run, state);
    this.#endRun();
    if (this.#store.store?.closed) return;
    this.#put(stoppedBy === undefined ? build : { ...build, stoppedBy });
    this.#store.do((store) => void store.delete("lease", { ifSeq: store.seq("lease") }));
  }

  #endRun(): void {
    clearInterval(this.#tick);
    this.#run = undefined;
    this.#tell();
  }

  #describe(run: Run, state: Build["state"]): Build {
    const { durationMs = 10_000, person } = this.#options;
    const elapsedMs = Math.round(performance.now() - run.startedAt);
    const progress = Math.min(1, elapsedMs / durationMs);
    return { runId: run.id, runner: person(), state, progress, elapsedMs };
  }

  #fail(error: ConatError | undefined): void {
    this.#error = error;
    this.#tell();
  }

  #tell(): void {
    this.#view = undefined;
    for (const listener of [...this.#listeners]) listener();
  }
}
