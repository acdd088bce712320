import { ConatError } from "../protocol/conat-error.ts";
import type { Durability } from "../protocol/feed-position.ts";
import { WAIT_TIMEOUT_MS } from "../protocol/limits.ts";
import { parseServers, type ServerAddresses } from "./address.ts";
import { checkSeed } from "./nkey.ts";

/** How a backend reaches NATS, and how the buckets are made where there are none yet. */
export interface JetstreamOptions {
  /** One address or several of one cluster: `nats://host:port`, `tls://host:port`, with `user:password@` or `token@`. */
  readonly servers: string | readonly string[];
  /** Name of the connection, for people reading the server's lists. @default "conat" */
  readonly name?: string | undefined;
  /** Token to sign in with. */
  readonly token?: string | undefined;
  /** Seed of an nkey to sign in with; see {@link createNkey}. */
  readonly nkeySeed?: Uint8Array | undefined;

  /** Partitions of each kind of bucket. @default what the existing buckets have, or 1 */
  readonly partitions?: number | undefined;
  /** Copies that a cluster keeps of a new bucket. @default 1 */
  readonly replicas?: number | undefined;
  /** What an acknowledgement of a persistent write means here; only the operator can know. @default "unknown" */
  readonly durability?: Durability | undefined;
  /** For how long a new bucket remembers the ids of writes, in milliseconds. @default 30_000 */
  readonly dedupeWindowMs?: number | undefined;
  /** How long a new bucket keeps the marker of a removal, in milliseconds, from 1_000. @default 24 hours */
  readonly markerTtlMs?: number | undefined;
  /** Most bytes a new persistent bucket keeps; -1 leaves it to the server's own limit. @default -1 */
  readonly maxBytes?: number | undefined;
  /** Most bytes a new ephemeral bucket keeps in memory; -1 leaves it to the server's own limit. @default -1 */
  readonly memoryMaxBytes?: number | undefined;

  /** How long `openJetstream` waits until everything is ready, in milliseconds. @default 30_000 */
  readonly connectTimeoutMs?: number | undefined;
  /** Ends that wait. @default none */
  readonly signal?: AbortSignal | undefined;
  /** How long one request to the server may take, in milliseconds. @default 5_000 */
  readonly requestTimeoutMs?: number | undefined;
  /**
   * After this long without an answer a write is `ambiguous`, in milliseconds; sooner when its bucket has another leader.
   * @default 10_000
   */
  readonly writeTimeoutMs?: number | undefined;
  /**
   * Pause between two checks of a store for missed entries, in milliseconds; 0 for none. Entries that were removed
   * without a trace, by an operator's purge, may be found as late as the fifteenth check. @default 20_000
   */
  readonly headCheckMs?: number | undefined;

  /** Marks what this session writes. @default a random id */
  readonly origin?: string | undefined;
  /** The local clock, in milliseconds since the epoch. @default Date.now */
  readonly now?: (() => number) | undefined;
  /** A number in [0, 1) for jitter. @default Math.random */
  readonly random?: (() => number) | undefined;
}

export interface ResolvedOptions {
  readonly addresses: ServerAddresses;
  readonly name: string;
  readonly token: string | undefined;
  readonly nkeySeed: Uint8Array | undefined;
  readonly partitions: number | undefined;
  readonly replicas: number;
  readonly durability: Durability;
  readonly dedupeWindowMs: number;
  readonly markerTtlMs: number;
  readonly maxBytes: number;
  readonly memoryMaxBytes: number;
  readonly connectTimeoutMs: number;
  readonly requestTimeoutMs: number;
  readonly writeTimeoutMs: number;
  readonly headCheckMs: number;
  readonly origin: string;
  readonly now: () => number;
  readonly random: () => number;
}

/** Longer than any wait for a resend, and short enough that remembered ids (165 B each) do not pile up. */
export const DEFAULT_DEDUPE_WINDOW_MS = 30_000;

/** Longer than a laptop sleeps: who was away for less gets a delta. */
export const DEFAULT_MARKER_TTL_MS = 24 * 3_600_000;

/** A healthy server answers within milliseconds; a cluster that has lost a leader within 5 s. */
export const DEFAULT_REQUEST_TIMEOUT_MS = 5_000;

/** Twice the longest stall measured when the leader of a replicated bucket is killed. */
export const DEFAULT_WRITE_TIMEOUT_MS = 10_000;

/** Republished messages are delivered at most once; this bounds how long a lost one stays unnoticed. */
export const DEFAULT_HEAD_CHECK_MS = 20_000;

/** Streams are what a server can have too many of. */
const MAX_PARTITIONS = 1_024;

/** `options` with every default filled in. @throws ConatError `bad-options` or `bad-address` */
export function resolveOptions(options: JetstreamOptions): ResolvedOptions {
  const { partitions } = options;
  if (partitions !== undefined) checkNumber("partitions", partitions, 1, MAX_PARTITIONS);
  return {
    addresses: parseServers(options.servers),
    name: options.name ?? "conat",
    token: options.token,
    nkeySeed: options.nkeySeed && checkSeed(options.nkeySeed),
    partitions,
    replicas: checkNumber("replicas", options.replicas ?? 1, 1, 5),
    durability: options.durability ?? "unknown",
    dedupeWindowMs: checkNumber(
      "dedupeWindowMs",
      options.dedupeWindowMs ?? DEFAULT_DEDUPE_WINDOW_MS,
      100,
    ),
    markerTtlMs: checkNumber("markerTtlMs", options.markerTtlMs ?? DEFAULT_MARKER_TTL_MS, 1_000),
    maxBytes: checkNumber("maxBytes", options.maxBytes ?? -1, -1),
    memoryMaxBytes: checkNumber("memoryMaxBytes", options.memoryMaxBytes ?? -1, -1),
    connectTimeoutMs: checkNumber(
      "connectTimeoutMs",
      options.connectTimeoutMs ?? WAIT_TIMEOUT_MS,
      1,
    ),
    requestTimeoutMs: checkNumber(
      "requestTimeoutMs",
      options.requestTimeoutMs ?? DEFAULT_REQUEST_TIMEOUT_MS,
      1,
    ),
    writeTimeoutMs: checkNumber(
      "writeTimeoutMs",
      options.writeTimeoutMs ?? DEFAULT_WRITE_TIMEOUT_MS,
      1,
    ),
    headCheckMs: checkNumber("headCheckMs", options.headCheckMs ?? DEFAULT_HEAD_CHECK_MS, 0),
    origin: checkOrigin(options.origin ?? randomId()),
    now: options.now ?? Date.now,
    random: options.random ?? Math.random,
  };
}

/** A short random id that is safe in a subject and in a header. */
export function randomId(): string {
  return crypto.randomUUID().replaceAll("-", "");
}

const ORIGIN = /^[\x21-\x7e]{1,256}$/;

/** An origin travels in a header: printable ASCII without spaces, at most 256 bytes. @throws ConatError `bad-options` */
export function checkOrigin(origin: string): string {
  if (ORIGIN.test(origin)) return origin;
  throw new ConatError("bad-options", "an origin must be 1 to 256 printable ASCII characters");
}

function checkNumber(
  name: string,
  value: number,
  min: number,
  max = Number.MAX_SAFE_INTEGER,
): number {
  if (Number.isSafeInteger(value) && value >= min && value <= max) return value;
  throw new ConatError("bad-options", `${name} must be a whole number from ${min}, not ${value}`);
}
