import { setTimeout as delay } from "node:timers/promises";
import { type BackendKeys, loadBackendKeys } from "./backend-keys.ts";
import { explainFolderError, makeDataFolder } from "./data-folder.ts";
import { NatsServerError } from "./errors.ts";
import { claimFolder } from "./folder-claim.ts";
import { pickFreePort } from "./free-port.ts";
import { probeHealth } from "./health.ts";
import { detectLaunchMode, type LaunchedServer, type ServerExit } from "./launch.ts";
import {
  type ResolvedOptions,
  resolveStartOptions,
  type StartNatsServerOptions,
} from "./options.ts";
import { restartDelayMs, STABLE_AFTER_MS } from "./restart-policy.ts";
import { folderInUse, monitorUrl, type Setup, serverFiles, startOnce } from "./start-once.ts";
import { loadUserKey, toUserKey, type UserKey } from "./user-key.ts";

/** Between the choice of a free port and its use another process may take it. */
const MAX_PORT_ATTEMPTS = 5;
/** Silent health checks in a row after which a server counts as hung. */
const MAX_MISSED_CHECKS = 3;
const HEALTHY_POLL_MS = 25;

/**
 * - `running`: it takes clients
 * - `restarting`: it died and is being started again
 * - `failed`: it could not be started again; the log has the reasons
 * - `stopped`: `stop()` was called
 */
export type NatsServerStatus = "running" | "restarting" | "failed" | "stopped";

/** A nats-server of our own, kept alive until `stop()`. */
export interface NatsServer extends AsyncDisposable {
  /** `nats://127.0.0.1:<port>`, the same through every restart. */
  readonly url: string;
  /** `http://127.0.0.1:<port>` with `/healthz`, `/varz` and the like; the same through every restart. */
  readonly monitorUrl: string;
  /** Seed (`SU…`) to connect with: `nkeyAuthenticator(new TextEncoder().encode(nkeySeed))`. */
  readonly nkeySeed: string;
  /** For letting projects' own backends in; undefined when the server was started without. */
  readonly backendKeys: BackendKeys | undefined;
  /** What the binary said its version is, e.g. `2.15.1`. */
  readonly version: string;
  readonly dataDir: string;
  /** The server process; undefined between two lives. */
  readonly pid: number | undefined;
  readonly status: NatsServerStatus;
  /** Calls back with every change of `status`. */
  onStatus(listener: (status: NatsServerStatus) => void): () => void;
  /** Calls back each time the server process ends, on purpose or not. */
  onExit(listener: (exit: ServerExit) => void): () => void;
  /**
   * Resolves when all streams are recovered and, in a cluster, a leader is known.
   * @throws {NatsServerError} `start-failed` after `timeoutMs`. @default 30 s
   */
  waitUntilHealthy(timeoutMs?: number): Promise<void>;
  /** Sends a signal to the server process, for tests that make it die. False when there is none. */
  kill(signal: NodeJS.Signals): boolean;
  /** Freezes and thaws the server process, for tests; health checks rest meanwhile. Not on Windows. */
  pause(): void;
  resume(): void;
  /** Ends the server, cleanly if it can, and resolves when the process is gone. Never rejects. */
  stop(): Promise<void>;
}

/**
 * Starts a nats-server that listens on loopback only, keeps it running, and ends it with this
 * process even if this process is killed.
 * @throws {NatsServerError} `folder-in-use`, `folder-unusable`, `port-in-use`, `start-failed`, or what finding the
 * binary throws.
 */
export async function startNatsServer(options: StartNatsServerOptions): Promise<NatsServer> {
  const resolved = await resolveStartOptions(options);
  try {
    return await startIn(resolved);
  } catch (error) {
    throw explainFolderError(error, resolved.dataDir);
  }
}

async function startIn(resolved: ResolvedOptions): Promise<NatsServer> {
  const files = serverFiles(resolved.dataDir);
  await makeDataFolder(resolved.dataDir);
  const mode = resolved.launchMode ?? (await detectLaunchMode(resolved.dataDir));
  const release = mode === "native" ? async () => {} : await claimFolder(files.claim, files.pid);
  if (release === undefined) {
    throw folderInUse(resolved.dataDir);
  }
  try {
    const userKey =
      resolved.nkeySeed === undefined
        ? await loadUserKey(files.userKey)
        : toUserKey(resolved.nkeySeed);
    const backendKeys = resolved.backends ? await loadBackendKeys(files.backendKeys) : undefined;
    const { setup, launched } = await startFirst(resolved, mode, userKey, backendKeys);
    return new Supervisor({ setup, launched, seed: userKey.seed, release });
  } catch (error) {
    await release();
    throw error;
  }
}

async function startFirst(
  options: ResolvedOptions,
  mode: Setup["mode"],
  userKey: UserKey,
  backendKeys: BackendKeys | undefined,
): Promise<{ setup: Setup; launched: LaunchedServer }> {
  const signal = options.signal ?? new AbortController().signal;
  for (let attempt = 1; ; attempt += 1) {
    // Not left to the server ("-1"): it would take ports that outgoing connections use too, and
    // it publishes its choice only if it has recovered its streams within 5 s.
    const setup: Setup = {
      options,
      mode,
      port: options.port ?? (await pickFreePort()),
      monitorPort: await pickFreePort(),
      userPublicKey: userKey.publicKey,
      backendKeys,
    };
    try {
      return { setup, launched: await startOnce(setup, signal) };
    } catch (error) {
      const canChooseAgain =
        options.port === undefined &&
        error instanceof NatsServerError &&
        error.kind === "port-in-use";
      if (!canChooseAgain || attempt === MAX_PORT_ATTEMPTS) {
        throw error;
      }
    }
  }
}

class Supervisor implements NatsServer {
  readonly #setup: Setup;
  readonly #seed: string;
  readonly #release: () => Promise<void>;
  readonly #abort = new AbortController();
  readonly #statusListeners = new Set<(status: NatsServerStatus) => void>();
  readonly #exitListeners = new Set<(exit: ServerExit) => void>();
  readonly #supervision: Promise<void>;
  #launched: LaunchedServer | undefined;
  #status: NatsServerStatus = "running";
  #isPaused = false;
  #missedChecks = 0;
  #restartsInARow = 0;
  #stopped: Promise<void> | undefined;

  constructor(options: {
    setup: Setup;
    launched: LaunchedServer;
    seed: string;
    release: () => Promise<void>;
  }) {
    this.#setup = options.setup;
    this.#seed = options.seed;
    this.#release = options.release;
    this.#launched = options.launched;
    this.#supervision = this.#supervise(options.launched);
  }

  get url(): string {
    return `nats://127.0.0.1:${this.#setup.port}`;
  }

  get monitorUrl(): string {
    return monitorUrl(this.#setup.monitorPort);
  }

  get nkeySeed(): string {
    return this.#seed;
  }

  get backendKeys(): BackendKeys | undefined {
    return this.#setup.backendKeys;
  }

  get version(): string {
    return this.#setup.options.binary.version;
  }

  get dataDir(): string {
    return this.#setup.options.dataDir;
  }

  get pid(): number | undefined {
    return this.#launched?.pid();
  }

  get status(): NatsServerStatus {
    return this.#status;
  }

  onStatus(listener: (status: NatsServerStatus) => void): () => void {
    this.#statusListeners.add(listener);
    return () => this.#statusListeners.delete(listener);
  }

  onExit(listener: (exit: ServerExit) => void): () => void {
    this.#exitListeners.add(listener);
    return () => this.#exitListeners.delete(listener);
  }

  async waitUntilHealthy(timeoutMs = this.#setup.options.startTimeoutMs): Promise<void> {
    const deadline = performance.now() + timeoutMs;
    while ((await probeHealth(this.monitorUrl, "full")) !== "healthy") {
      if (performance.now() > deadline || this.#stopped !== undefined) {
        throw new NatsServerError(
          "start-failed",
          `nats-server at ${this.url} was not healthy after ${timeoutMs / 1000} s; ${this.monitorUrl}/healthz says why.`,
        );
      }
      await delay(HEALTHY_POLL_MS);
    }
  }

  kill(signal: NodeJS.Signals): boolean {
    return this.#launched?.send(signal) ?? false;
  }

  pause(): void {
    this.#isPaused = true;
    this.kill("SIGSTOP");
  }

  resume(): void {
    this.kill("SIGCONT");
    this.#isPaused = false;
    this.#missedChecks = 0;
  }

  stop(): Promise<void> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  async #stop(): Promise<void> {
    this.#abort.abort();
    // A frozen process takes no other signal than the one that kills it.
    this.kill("SIGCONT");
    this.kill("SIGTERM");
    const killer = setTimeout(() => {
      this.#log("warn", "nats-server did not stop in time and is killed");
      this.kill("SIGKILL");
    }, this.#setup.options.stopTimeoutMs);
    await this.#supervision;
    clearTimeout(killer);
    await this.#release();
    this.#setStatus("stopped");
  }

  /** Ends when the server was stopped, or could not be restarted. */
  async #supervise(first: LaunchedServer): Promise<void> {
    let launched: LaunchedServer | undefined = first;
    while (launched !== undefined) {
      const startedAt = performance.now();
      const exit = await this.#watch(launched);
      this.#launched = undefined;
      this.#emit(this.#exitListeners, exit);
      if (this.#abort.signal.aborted) {
        return;
      }
      if (performance.now() - startedAt > STABLE_AFTER_MS) {
        this.#restartsInARow = 0;
      }
      const how = exit.signal ?? `exit code ${exit.code ?? "unknown"}`;
      this.#log("error", `nats-server ended unexpectedly (${how}); restarting it`);
      this.#setStatus("restarting");
      launched = await this.#restart();
    }
  }

  async #watch(launched: LaunchedServer): Promise<ServerExit> {
    this.#missedChecks = 0;
    let isChecking = false;
    const timer = setInterval(() => {
      if (!isChecking) {
        isChecking = true;
        void this.#checkHealth(launched).finally(() => {
          isChecking = false;
        });
      }
    }, this.#setup.options.healthIntervalMs);
    timer.unref();
    try {
      return await launched.exited;
    } finally {
      clearInterval(timer);
    }
  }

  async #checkHealth(launched: LaunchedServer): Promise<void> {
    if (this.#isPaused) {
      return;
    }
    const { healthIntervalMs } = this.#setup.options;
    const health = await probeHealth(this.monitorUrl, "local", healthIntervalMs);
    if (this.#isPaused || this.#launched !== launched) {
      return;
    }
    this.#missedChecks = health === "silent" ? this.#missedChecks + 1 : 0;
    if (this.#missedChecks >= MAX_MISSED_CHECKS) {
      this.#log("error", `nats-server missed ${MAX_MISSED_CHECKS} health checks and is killed`);
      launched.send("SIGKILL");
    }
  }

  async #restart(): Promise<LaunchedServer | undefined> {
    const { signal } = this.#abort;
    const { maxRestarts } = this.#setup.options;
    while (this.#restartsInARow < maxRestarts) {
      this.#restartsInARow += 1;
      try {
        await delay(restartDelayMs(this.#restartsInARow), undefined, { signal });
        const launched = await startOnce(this.#setup, signal);
        this.#launched = launched;
        this.#isPaused = false;
        if (signal.aborted) {
          // stop() came between readiness and here, when it had no process to end.
          launched.send("SIGTERM");
          return launched;
        }
        this.#log("info", `nats-server runs again at ${this.url}`);
        this.#setStatus("running");
        return launched;
      } catch (error) {
        if (signal.aborted) {
          return undefined;
        }
        this.#log("error", error instanceof Error ? error.message : String(error));
      }
    }
    this.#log("error", `nats-server could not be restarted ${maxRestarts} times in a row`);
    this.#setStatus("failed");
    return undefined;
  }

  #log(level: "info" | "warn" | "error", message: string): void {
    this.#setup.options.log(level, message);
  }

  #setStatus(status: NatsServerStatus): void {
    this.#status = status;
    this.#emit(this.#statusListeners, status);
  }

  /** A listener that throws must not keep the server from being restarted or stopped. */
  #emit<T>(listeners: ReadonlySet<(value: T) => void>, value: T): void {
    for (const listener of [...listeners]) {
      try {
        listener(value);
      } catch (error) {
        this.#log("error", `a listener of the nats-server threw: ${error}`);
      }
    }
  }
}
