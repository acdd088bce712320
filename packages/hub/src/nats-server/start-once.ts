import { existsSync } from "node:fs";
import { rename } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { DATA_ACCOUNT } from "./accounts.ts";
import { type BackendKeys, publicKeyOf } from "./backend-keys.ts";
import { writeConfigFile } from "./config-file.ts";
import { NatsServerError } from "./errors.ts";
import { type HealthScope, probeHealth } from "./health.ts";
import {
  type LaunchedServer,
  type LaunchMode,
  LOCKED_EXIT_CODE,
  launchServer,
  moveUnderLock,
  type ServerExit,
} from "./launch.ts";
import { isPortInUse, type LogLine } from "./log-line.ts";
import type { ResolvedOptions } from "./options.ts";

/** A server is ready after 12 to 30 ms, so it is asked often at first. */
const FIRST_POLL_MS = 4;
const MAX_POLL_MS = 100;

/** What stays the same through the restarts of one server. */
export type Setup = {
  readonly options: ResolvedOptions;
  readonly mode: LaunchMode;
  readonly port: number;
  readonly monitorPort: number;
  readonly userPublicKey: string;
  readonly backendKeys: BackendKeys | undefined;
};

/** The files of a server inside its data folder. */
export function serverFiles(
  dataDir: string,
): Record<"backendKeys" | "claim" | "config" | "lock" | "pid" | "userKey", string> {
  return {
    backendKeys: join(dataDir, "backends.nk"),
    claim: join(dataDir, "nats-server.claim"),
    config: join(dataDir, "nats-server.conf"),
    lock: join(dataDir, "nats-server.lock"),
    pid: join(dataDir, "nats-server.pid"),
    userKey: join(dataDir, "user.nk"),
  };
}

/**
 * Starts the server and resolves once it takes clients.
 * @throws {NatsServerError} `folder-in-use`, `port-in-use` or `start-failed`; nothing is left running.
 */
export async function startOnce(setup: Setup, signal: AbortSignal): Promise<LaunchedServer> {
  const { options } = setup;
  const files = serverFiles(options.dataDir);
  const { backendKeys } = setup;
  if (backendKeys) await moveDataToAccount(setup, files.lock);
  await writeConfigFile(files.config, {
    ...options,
    backends: backendKeys && {
      gate: publicKeyOf(backendKeys.gate),
      issuer: publicKeyOf(backendKeys.issuer),
    },
    port: setup.port,
    monitorPort: setup.monitorPort,
    pidFile: files.pid,
    userPublicKey: setup.userPublicKey,
    maxMemoryBytes: options.maxMemoryBytes,
    maxFileBytes: options.maxFileBytes,
    cluster: options.cluster,
  });
  const launched = launchServer({
    mode: setup.mode,
    binary: options.binary.path,
    configFile: files.config,
    lockFile: files.lock,
    onLine: (line) => passOn(line, options),
  });
  try {
    await waitUntilReady(setup, launched, signal);
    return launched;
  } catch (error) {
    launched.send("SIGKILL");
    await launched.exited;
    throw error;
  }
}

/** Where a server without accounts keeps its streams, inside its `store_dir`. */
const GLOBAL_ACCOUNT = "$G";

/** Data that was written before there were accounts belongs to the one that has the data now. */
async function moveDataToAccount({ options, mode }: Setup, lockFile: string): Promise<void> {
  const folder = join(options.dataDir, "jetstream");
  const [from, to] = [join(folder, GLOBAL_ACCOUNT), join(folder, DATA_ACCOUNT)];
  if (!existsSync(from) || existsSync(to)) return;
  // Elsewhere this process has claimed the folder already.
  if (mode === "native") await moveUnderLock(lockFile, from, to);
  else await rename(from, to);
}

/** `http://127.0.0.1:<port>` */
export function monitorUrl(monitorPort: number): string {
  return `http://127.0.0.1:${monitorPort}`;
}

async function waitUntilReady(
  setup: Setup,
  launched: LaunchedServer,
  signal: AbortSignal,
): Promise<void> {
  const { options } = setup;
  // The first node of a cluster has no leader until the second one is up.
  const scope: HealthScope = options.cluster === undefined ? "full" : "local";
  const deadline = performance.now() + options.startTimeoutMs;
  let exit: ServerExit | undefined;
  void launched.exited.then((value) => {
    exit = value;
  });
  for (let pollMs = FIRST_POLL_MS; ; pollMs = Math.min(MAX_POLL_MS, pollMs * 1.5)) {
    const health = await probeHealth(monitorUrl(setup.monitorPort), scope);
    if (exit !== undefined) {
      throw startError(setup, launched, exit);
    }
    if (health === "healthy") {
      return;
    }
    signal.throwIfAborted();
    if (performance.now() > deadline) {
      throw new NatsServerError(
        "start-failed",
        `nats-server was not ready after ${options.startTimeoutMs / 1000} s: ${launched.lastWords() || "it said nothing"}.`,
      );
    }
    await Promise.race([delay(pollMs, undefined, { ref: false }), launched.exited]);
  }
}

function startError(setup: Setup, launched: LaunchedServer, exit: ServerExit): NatsServerError {
  const words = launched.lastWords();
  if (setup.mode === "native" && exit.code === LOCKED_EXIT_CODE) {
    return folderInUse(setup.options.dataDir);
  }
  if (isPortInUse(words)) {
    return new NatsServerError(
      "port-in-use",
      `nats-server cannot listen on port ${setup.port}, another process has it: stop that process or choose another port (${words}).`,
    );
  }
  const how = exit.signal === undefined ? `exit code ${exit.code ?? "unknown"}` : exit.signal;
  return new NatsServerError(
    "start-failed",
    `nats-server ended at start (${how}): ${words || "it said nothing"}.`,
  );
}

/** The error for a data folder that a live server holds. */
export function folderInUse(dataDir: string): NatsServerError {
  return new NatsServerError(
    "folder-in-use",
    `Another nats-server uses the folder ${dataDir}: stop the hub that runs it, or choose another data folder.`,
  );
}

/** What the server says of a health check that it failed: the check was ours, and we act on it. */
const OWN_PROBE = /^Healthcheck failed/;

function passOn(line: LogLine, options: ResolvedOptions): void {
  if (OWN_PROBE.test(line.message)) {
    return;
  }
  if (line.level === "warn") {
    options.log("warn", `nats-server: ${line.message}`);
  } else if (line.level === "error" || line.level === "fatal") {
    options.log("error", `nats-server: ${line.message}`);
  }
}
