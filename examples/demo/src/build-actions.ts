import { type Client, ConatError, type DKV, dkv } from "@conat/conat";
import { toBuild } from "./from-others.ts";
import { type Build, type BuildStore, buildStore, createId, type Person } from "./stores.ts";

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
  readonly ready: boolean;
  readonly build: Build | undefined;
  /** This very window runs it. */
  readonly mine: boolean;
  /** Whoever runs it has fallen silent: somebody else may take over. */
  readonly stalled: boolean;
  readonly error: ConatError | undefined;
}

/** A tick is late in a window that nobody looks at, but never by more than a second. */
const TICK_MS = 250;
const STALLED_AFTER_MS = 5_000;

/**
 * Who is running the build. At most one at a time: to start is a compare-and-set, so of two who press the button in the
 * same moment one gets it. A plain class: it knows nothing of React, and the backend runs the same one.
 */
export class BuildActions {
  readonly #options: BuildActionsOptions;
  readonly #listeners = new Set<() => void>();
  #store: DKV<BuildStore> | undefined;
  #closed = false;
  #error: ConatError | undefined;
  /** The run that this instance does. */
  #run: { readonly id: string; readonly startedAt: number } | undefined;
  #tick: ReturnType<typeof setInterval> | undefined;
  #watch: ReturnType<typeof setInterval> | undefined;
  #heardAt = 0;
  #stalled = false;
  #view: BuildView | undefined;

  constructor(options: BuildActionsOptions) {
    this.#options = options;
  }

  /** Opens the store; why it could not be opened is in the view. */
  async init(): Promise<void> {
    const { client, project_id } = this.#options;
    let store: DKV<BuildStore>;
    try {
      store = await dkv<BuildStore>({ ...buildStore(project_id), client });
    } catch (error) {
      if (error instanceof ConatError) this.#error = error;
      this.#tell();
      return;
    }
    if (this.#closed) {
      await store.close();
      return;
    }
    this.#store = store;
    this.#heardAt = performance.now();
    store.subscribe(() => this.#onChange());
    store.on("closed", (error) => {
      this.#error = error;
      this.#onChange();
    });
    this.#watch = setInterval(() => this.#onWatch(), 1_000);
    this.#onChange();
  }

  // ── reading ──────────────────────────────────────────────────────────────────────────────────

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  };

  /** The same object until something of it changes. */
  readonly view = (): BuildView => {
    this.#view ??= this.#createView();
    return this.#view;
  };

  #createView(): BuildView {
    const build = this.#build();
    return {
      ready: this.#store !== undefined && !this.#store.closed,
      build,
      mine: build?.state === "running" && build.runId === this.#run?.id,
      stalled: build?.state === "running" && this.#stalled,
      error: this.#error,
    };
  }

  #build(): Build | undefined {
    return toBuild(this.#store?.get("build"));
  }

  // ── doing ────────────────────────────────────────────────────────────────────────────────────

  /** Starts the build if nobody runs it. Resolves with whether this instance got it. */
  async start(): Promise<boolean> {
    const store = this.#store;
    if (store === undefined || !this.#isFree()) return false;
    const id = createId();
    const build = this.#describe({ id, startedAt: performance.now() }, "running");
    const claim = store.set("build", build, { ifSeq: store.seq("build") });
    const { status } = await claim.settled();
    if (status !== "confirmed" || this.#closed) return false;
    this.#run = { id, startedAt: performance.now() };
    this.#tick = setInterval(() => this.#onTick(), TICK_MS);
    this.#onChange();
    return true;
  }

  /** Asks whoever runs the build to stop. */
  stop(): void {
    const build = this.view().build;
    if (build?.state !== "running") return;
    this.#store?.set("stop", { runId: build.runId, by: this.#options.person().name });
  }

  /** Ends the run of this instance, if it has one, for all to see. */
  abandon(): void {
    if (this.view().mine) this.#finish("stopped", `${this.#options.person().name}, who left`);
  }

  close(): void {
    this.abandon();
    this.#closed = true;
    clearInterval(this.#watch);
    clearInterval(this.#tick);
    void this.#store?.close();
    this.#listeners.clear();
  }

  #isFree(): boolean {
    return this.#build()?.state !== "running" || this.#stalled;
  }

  #onTick(): void {
    const store = this.#store;
    const run = this.#run;
    if (store === undefined || run === undefined) return;
    if (this.#build()?.runId !== run.id) {
      this.#endRun(); // somebody took over
      return;
    }
    const stop = store.get("stop");
    if (stop?.runId === run.id) {
      this.#finish("stopped", stop.by);
      return;
    }
    const build = this.#describe(run, "running");
    if (build.progress >= 1) this.#finish("done");
    else store.set("build", build);
  }

  #finish(state: "done" | "stopped", stoppedBy?: string): void {
    if (this.#run === undefined) return;
    const build = this.#describe(this.#run, state);
    this.#endRun();
    this.#store?.set("build", stoppedBy === undefined ? build : { ...build, stoppedBy });
  }

  #endRun(): void {
    clearInterval(this.#tick);
    this.#run = undefined;
  }

  #describe(
    run: { readonly id: string; readonly startedAt: number },
    state: Build["state"],
  ): Build {
    const { durationMs = 10_000, person } = this.#options;
    const elapsedMs = Math.round(performance.now() - run.startedAt);
    const progress = Math.min(1, elapsedMs / durationMs);
    return { runId: run.id, runner: person(), state, progress, elapsedMs };
  }

  // ── noticing ─────────────────────────────────────────────────────────────────────────────────

  #onChange(): void {
    this.#heardAt = performance.now();
    this.#stalled = false;
    this.#tell();
  }

  /** Silence is measured on the own clock: no clock of another machine has to be right. */
  #onWatch(): void {
    const stalled = performance.now() - this.#heardAt > STALLED_AFTER_MS;
    if (stalled === this.#stalled) return;
    this.#stalled = stalled;
    this.#tell();
  }

  #tell(): void {
    this.#view = undefined;
    for (const listener of [...this.#listeners]) listener();
  }
}
