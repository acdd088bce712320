import { resolve } from "node:path";
import { type NatsServerBinary, readBinaryVersion } from "./binary.ts";
import type { ClusterOptions, SyncInterval } from "./config-file.ts";
import { NatsServerError } from "./errors.ts";
import type { LaunchMode } from "./launch.ts";
import { resolveNatsServer } from "./resolve-binary.ts";
import { MAX_RESTARTS_IN_A_ROW } from "./restart-policy.ts";
import { isSupportedVersion, MIN_NATS_SERVER_VERSION } from "./version.ts";

/** Forced to disk once a second: costs nothing measurable; the server's own default is two minutes. */
const DEFAULT_SYNC_INTERVAL: SyncInterval = "1s";
/** A store of tens of gigabytes takes this long to recover. */
const DEFAULT_START_TIMEOUT_MS = 30_000;
/** A clean stop takes 10 ms; a busy disk may need seconds. */
const DEFAULT_STOP_TIMEOUT_MS = 10_000;
/** With three misses in a row a server that hangs is replaced within about 20 s. */
const DEFAULT_HEALTH_INTERVAL_MS = 5_000;

/** Takes what the supervisor does (`info`) and what the server complains about (`warn`, `error`). */
export type NatsServerLog = (level: "info" | "warn" | "error", message: string) => void;

/** How to run a nats-server of our own. */
export type StartNatsServerOptions = {
  /** Where everything is kept: stores, configuration, the user's key. Made when missing. */
  readonly dataDir: string;
  /** A path, or what `resolveNatsServer()` returned. @default the result of `resolveNatsServer()` */
  readonly binary?: string | NatsServerBinary;
  /** Client port on 127.0.0.1; 0 picks a free one. @default 0 */
  readonly port?: number;
  /** Must differ between the nodes of a cluster. @default "conat" */
  readonly serverName?: string;
  /** `always` writes to disk before each acknowledgement. @default "1s" */
  readonly syncInterval?: SyncInterval;
  /** Limits for memory and file stores. @default left to the server */
  readonly maxMemoryBytes?: number;
  readonly maxFileBytes?: number;
  /** Makes this server a node of a cluster on this machine. @default stand-alone */
  readonly cluster?: ClusterOptions;
  /** The seed (`SU…`) of the user who may connect. @default made once and kept in `dataDir/user.nk` */
  readonly nkeySeed?: string;
  /** Lets projects' own backends in, into an account of their own, as hubs decide. @default false */
  readonly backends?: boolean;
  /** @default says nothing */
  readonly log?: NatsServerLog;
  /** Takes a line for a terminal now and then while a binary is fetched. @default `log`, as `info` */
  readonly onProgress?: ((line: string) => void) | undefined;
  /** Gives up a start that is under way. */
  readonly signal?: AbortSignal;
  /** @default 30 s */
  readonly startTimeoutMs?: number;
  /** Time for a clean stop, after which the server is killed. @default 10 s */
  readonly stopTimeoutMs?: number;
  /** @default 5 s */
  readonly healthIntervalMs?: number;
  /** How often in a row it is restarted before it is given up. @default 20, about a minute */
  readonly maxRestarts?: number | undefined;
  /** @default "native" where the system has it */
  readonly launchMode?: LaunchMode;
};

/** The options with every default filled in. */
export type ResolvedOptions = Required<
  Omit<
    StartNatsServerOptions,
    | "binary"
    | "cluster"
    | "launchMode"
    | "maxFileBytes"
    | "maxMemoryBytes"
    | "maxRestarts"
    | "nkeySeed"
    | "onProgress"
    | "port"
    | "signal"
  >
> &
  Pick<
    StartNatsServerOptions,
    "cluster" | "launchMode" | "maxFileBytes" | "maxMemoryBytes" | "nkeySeed" | "signal"
  > & {
    readonly binary: NatsServerBinary;
    readonly maxRestarts: number;
    /** Undefined: any free one. */
    readonly port: number | undefined;
  };

/**
 * Fills in the defaults and finds the binary.
 * @throws {NatsServerError} what `resolveNatsServer()` throws; the same for a path given here.
 */
export async function resolveStartOptions(
  options: StartNatsServerOptions,
): Promise<ResolvedOptions> {
  const log = options.log ?? (() => undefined);
  return {
    ...options,
    binary: await resolveBinary(options, log),
    dataDir: resolve(options.dataDir),
    port: options.port || undefined,
    serverName: options.serverName ?? "conat",
    backends: options.backends ?? false,
    syncInterval: options.syncInterval ?? DEFAULT_SYNC_INTERVAL,
    log,
    startTimeoutMs: options.startTimeoutMs ?? DEFAULT_START_TIMEOUT_MS,
    stopTimeoutMs: options.stopTimeoutMs ?? DEFAULT_STOP_TIMEOUT_MS,
    healthIntervalMs: options.healthIntervalMs ?? DEFAULT_HEALTH_INTERVAL_MS,
    maxRestarts: options.maxRestarts ?? MAX_RESTARTS_IN_A_ROW,
  };
}

async function resolveBinary(
  options: StartNatsServerOptions,
  log: NatsServerLog,
): Promise<NatsServerBinary> {
  const { binary, signal, onProgress = (line) => log("info", line) } = options;
  if (binary === undefined) {
    return resolveNatsServer({ log: onProgress, signal });
  }
  if (typeof binary !== "string") {
    return binary;
  }
  const path = resolve(binary);
  const version = await readBinaryVersion(path);
  if (version === undefined) {
    throw new NatsServerError(
      "not-found",
      `${path} does not run as a nats-server: name another binary.`,
    );
  }
  if (!isSupportedVersion(version)) {
    throw new NatsServerError(
      "too-old",
      `${path} is nats-server ${version}, and ${MIN_NATS_SERVER_VERSION} or newer is needed: update it.`,
    );
  }
  return { path, version, source: "environment" };
}
