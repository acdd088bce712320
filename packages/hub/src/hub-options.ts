import type { Durability, Session } from "@conat/conat/internal";
import { DEFAULT_MARKER_TTL_MS } from "@conat/conat/jetstream";
import type { Logger } from "pino";
import type { Authenticator } from "./auth/authenticator.ts";
import { DEFAULT_MAX_TOKEN_LIFETIME_MS } from "./auth/grant.ts";
import type { JwtOptions } from "./auth/jwt-authenticator.ts";
import { DEFAULT_LEASE_MS } from "./auth/notice-board.ts";
import { DEFAULT_PROJECTS_TTL_MS, type ProjectsOf } from "./auth/project-lookup.ts";
import { DEFAULT_GATEWAY_LIMITS, DEVELOPMENT_RATES, type GatewayLimits } from "./gateway/limits.ts";
import type { BackendKeys } from "./nats-server/index.ts";
import { createLogger, type LogLevel } from "./observability/logger.ts";
import type { Rule } from "./rules/rule.ts";
import { DEFAULT_FEED_LINGER_MS, DEFAULT_MAX_REPLICA_BYTES } from "./upstream/shared-session.ts";

export interface HubOptions {
  /** 0 takes any free one. @default 4400 */
  readonly port?: number | undefined;
  /** @default "127.0.0.1" */
  readonly host?: string | undefined;

  /** Finds out who connects. One of this, `jwt` and `dev` is required. */
  readonly authenticator?: Authenticator | Authenticator["authenticate"] | undefined;
  /** Believes tokens that are signed. */
  readonly jwt?: JwtOptions | undefined;
  /** Clients say who they are and are believed. Only on a loopback address. @default false */
  readonly dev?: boolean | undefined;
  /**
   * Rules for stores and keys, made by `allow()` or `parseRules()`. A store that a rule names can be read and written
   * only as rules allow, within what the role allows. @default none: roles decide alone
   */
  readonly rules?: readonly Rule[] | undefined;
  /** Tells an account's projects, instead of the token. @default the projects that the token names */
  readonly projects?: ProjectsOf | undefined;
  /** How long that is believed, in milliseconds. @default 60_000 */
  readonly projectsTtlMs?: number | undefined;
  /**
   * How long this hub counts as alive for the others after its last sign of life, in milliseconds: a revocation waits
   * no longer for one that is gone, and one that cannot show a sign stops serving before. @default 15_000
   */
  readonly leaseMs?: number | undefined;
  /** How long a revocation is remembered, in milliseconds. @default the longest life of a token, 14 days */
  readonly revocationTtlMs?: number | undefined;
  /**
   * Origins whose pages may connect beside pages that the hub itself serves; `"*"` for all, `"loopback"` for all of
   * this machine. @default `["loopback"]` with `dev`, else none
   */
  readonly allowedOrigins?: readonly string[] | undefined;
  /** Folder of a web page to serve at `/`. @default none */
  readonly staticDir?: string | undefined;

  /** An open session to use instead of NATS; the hub does not close it. @default none */
  readonly session?: Session | undefined;
  /** NATS server or cluster. @default a server of the hub's own */
  readonly natsUrl?: string | undefined;
  /** Seed (`SU…`) of the nkey to show the server at `natsUrl`. @default none */
  readonly natsNkeySeed?: string | undefined;
  /**
   * Keys with which the hub lets projects' own backends in through the server at `natsUrl`: they are in an account of
   * their own there. `createBackendKeys()` makes them and `formatAccounts()` the configuration. With `dev` only when
   * `natsUrl` is on loopback. @default nobody is let in
   */
  readonly natsBackendKeys?: BackendKeys | undefined;
  /** What an acknowledgement of the server at `natsUrl` means. @default "unknown" */
  readonly natsDurability?: Durability | undefined;
  /** Where the hub's own server keeps its data. @default "./.conat" */
  readonly dataDir?: string | undefined;
  /** When the hub's own server writes to disk; `always` before it acknowledges. @default "1s" */
  readonly syncInterval?: "1s" | "always" | undefined;
  /** Binary for the hub's own server. @default the first that is found or can be had */
  readonly natsServerBinary?: string | undefined;
  /** How often in a row the hub's own server is restarted before it is given up. @default 20, about a minute */
  readonly maxNatsRestarts?: number | undefined;
  /** Called when it was given up: nothing works any more, and nothing will. @default the hub stays, and is not ready */
  readonly onNatsLost?: (() => void) | undefined;
  /** Buckets that stores are spread over where there are none yet. @default 1 */
  readonly partitions?: number | undefined;
  /** Copies that a cluster keeps of a new bucket. @default 1 */
  readonly replicas?: number | undefined;
  /** How long a new bucket remembers the ids of writes, in milliseconds. @default 30_000 */
  readonly dedupeWindowMs?: number | undefined;
  /** How long a new bucket remembers removals, in milliseconds. @default 24 hours */
  readonly markerTtlMs?: number | undefined;
  /** How long NATS may take to be ready at the start, in milliseconds. @default 30_000 */
  readonly connectTimeoutMs?: number | undefined;

  /** How long a store stays warm after its last reader, in milliseconds. @default 10_000 */
  readonly feedLingerMs?: number | undefined;
  /**
   * How long a client may be gone before what it has set with `untilDisconnect` is removed, in milliseconds.
   * @default 10_000
   */
  readonly disconnectGraceMs?: number | undefined;
  /** Most memory for replicas, in bytes. @default 1 GiB */
  readonly maxReplicaBytes?: number | undefined;
  /**
   * How many proxies stand before the hub that add to `X-Forwarded-For`; with 0 the header is not believed.
   * @default 0
   */
  readonly trustedProxies?: number | undefined;
  /** What one connection, principal or address may ask for. @default DEFAULT_GATEWAY_LIMITS, without rates in `dev` */
  readonly limits?: Partial<GatewayLimits> | undefined;
  /** How often a connection is tested, in milliseconds. @default 10_000 */
  readonly pingIntervalMs?: number | undefined;
  /** How long the answer to that may take, in milliseconds. @default 5_000 */
  readonly pingTimeoutMs?: number | undefined;
  /** How long a new connection may take to say who it is, in milliseconds. @default 10_000 */
  readonly handshakeTimeoutMs?: number | undefined;

  /** Name of this hub for people reading logs. @default the host and port */
  readonly name?: string | undefined;
  /** A logger, or the least important level that one of the hub's own logs. @default "warn" */
  readonly logger?: Logger | LogLevel | undefined;
  /** Takes a line for a terminal when the start takes long: a nats-server is fetched, NATS is not there yet. @default none */
  readonly onProgress?: ((line: string) => void) | undefined;
  /** Gives up a start that is under way. @default none */
  readonly signal?: AbortSignal | undefined;
}

type Defaulted =
  | "port"
  | "host"
  | "dev"
  | "projectsTtlMs"
  | "leaseMs"
  | "revocationTtlMs"
  | "allowedOrigins"
  | "natsDurability"
  | "dataDir"
  | "syncInterval"
  | "markerTtlMs"
  | "feedLingerMs"
  | "disconnectGraceMs"
  | "trustedProxies"
  | "maxReplicaBytes"
  | "pingIntervalMs"
  | "pingTimeoutMs"
  | "handshakeTimeoutMs";

/** The options with every default filled in. */
export type ResolvedHubOptions = Omit<HubOptions, Defaulted | "limits" | "logger"> & {
  readonly [Name in Defaulted]: NonNullable<HubOptions[Name]>;
} & { readonly limits: GatewayLimits; readonly logger: Logger };

export function resolveHubOptions(options: HubOptions): ResolvedHubOptions {
  const { logger = "warn", dev = false } = options;
  return {
    ...options,
    dev,
    port: options.port ?? 4400,
    host: options.host ?? "127.0.0.1",
    projectsTtlMs: options.projectsTtlMs ?? DEFAULT_PROJECTS_TTL_MS,
    leaseMs: options.leaseMs ?? DEFAULT_LEASE_MS,
    revocationTtlMs:
      options.revocationTtlMs ?? options.jwt?.maxLifetimeMs ?? DEFAULT_MAX_TOKEN_LIFETIME_MS,
    allowedOrigins: options.allowedOrigins ?? (dev ? ["loopback"] : []),
    natsDurability: options.natsDurability ?? "unknown",
    dataDir: options.dataDir ?? "./.conat",
    syncInterval: options.syncInterval ?? "1s",
    markerTtlMs: options.markerTtlMs ?? DEFAULT_MARKER_TTL_MS,
    trustedProxies: options.trustedProxies ?? 0,
    // A page that reloads, or a line that breaks, is back before.
    disconnectGraceMs: options.disconnectGraceMs ?? 10_000,
    feedLingerMs: options.feedLingerMs ?? DEFAULT_FEED_LINGER_MS,
    maxReplicaBytes: options.maxReplicaBytes ?? DEFAULT_MAX_REPLICA_BYTES,
    limits: {
      ...DEFAULT_GATEWAY_LIMITS,
      ...(dev ? DEVELOPMENT_RATES : {}),
      ...options.limits,
    },
    // Together they bound how long a dead connection goes unnoticed: 15 s.
    pingIntervalMs: options.pingIntervalMs ?? 10_000,
    pingTimeoutMs: options.pingTimeoutMs ?? 5_000,
    handshakeTimeoutMs: options.handshakeTimeoutMs ?? 10_000,
    logger: typeof logger === "string" ? createLogger(logger) : logger,
  };
}
