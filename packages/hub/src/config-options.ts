import { DURABILITIES } from "@conat/conat/internal";
import { DEFAULT_GATEWAY_LIMITS } from "./gateway/limits.ts";
import { LOG_LEVELS } from "./observability/logger.ts";
import {
  parseBackendKeysFile,
  parseBytes,
  parseDuration,
  parseList,
  parseNkeyFile,
  parseOneOf,
  parseSwitch,
  parseText,
  parseWhole,
} from "./option-parsers.ts";

/** One option of the command: everything that help, environment, file and reference page need to know of it. */
export interface ConfigOption<Value> {
  /** As in `--help`: the long flag, and the name of its argument unless it is a switch. */
  readonly flag: string;
  readonly env: string;
  readonly description: string;
  readonly parse: (text: string) => Value;
  /** What it is when nobody says, as one would write it; undefined when it is then absent. */
  readonly defaultText: string | undefined;
}

/** An option that always has a value. */
function option<Value>(spec: {
  readonly flag: string;
  readonly env: string;
  readonly description: string;
  readonly parse: (text: string) => Value;
  readonly defaultText: string;
}): ConfigOption<Value> {
  return spec;
}

/** An option that is absent unless somebody says it. */
function optional<Value>(spec: {
  readonly flag: string;
  readonly env: string;
  readonly description: string;
  readonly parse: (text: string) => Value;
}): ConfigOption<Value | undefined> {
  return { ...spec, defaultText: undefined };
}

/** Every option of the hub's command, by its name in a configuration file. */
export const CONFIG_OPTIONS = {
  port: option({
    flag: "--port <number>",
    env: "CONAT_PORT",
    description: "port to listen on; 0 takes any free one",
    parse: parseWhole(0, 65_535),
    defaultText: "4400",
  }),
  host: option({
    flag: "--host <address>",
    env: "CONAT_HOST",
    description: "address to listen on",
    parse: parseText,
    defaultText: "127.0.0.1",
  }),
  dev: option({
    flag: "--dev",
    env: "CONAT_DEV",
    description: "development mode: clients say who they are and are believed; only on loopback",
    parse: parseSwitch,
    defaultText: "false",
  }),
  jwtSecret: optional({
    flag: "--jwt-secret <secret>",
    env: "CONAT_JWT_SECRET",
    description:
      "secret that tokens are signed with (HS256), at least 32 bytes; better in the variable, flags show in process lists",
    parse: parseText,
  }),
  jwksUrl: optional({
    flag: "--jwks-url <url>",
    env: "CONAT_JWKS_URL",
    description: "where the public keys that tokens are signed with are published",
    parse: parseText,
  }),
  jwtIssuer: optional({
    flag: "--jwt-issuer <name>",
    env: "CONAT_JWT_ISSUER",
    description: "what a token's claim iss must be",
    parse: parseText,
  }),
  jwtAudience: optional({
    flag: "--jwt-audience <name>",
    env: "CONAT_JWT_AUDIENCE",
    description: "what a token's claim aud must name",
    parse: parseText,
  }),
  maxTokenLifetime: option({
    flag: "--max-token-lifetime <duration>",
    env: "CONAT_MAX_TOKEN_LIFETIME",
    description: "a token that is valid for longer is refused; a revocation is remembered as long",
    parse: parseDuration,
    defaultText: "336h",
  }),
  cookie: optional({
    flag: "--cookie <name>",
    env: "CONAT_COOKIE",
    description: "cookie that holds the token of a client that passes none",
    parse: parseText,
  }),
  rules: optional({
    flag: "--rules <file>",
    env: "CONAT_RULES",
    description: "JSON file with rules for stores and keys; read again on SIGHUP",
    parse: parseText,
  }),
  lease: option({
    flag: "--lease <duration>",
    env: "CONAT_LEASE",
    description:
      "how long a hub counts as alive after its last sign of life: revocations wait no longer for it",
    parse: parseDuration,
    defaultText: "15s",
  }),
  static: optional({
    flag: "--static <folder>",
    env: "CONAT_STATIC",
    description: "folder of a web page to serve at /",
    parse: parseText,
  }),
  allowOrigin: option({
    flag: "--allow-origin <origins>",
    env: "CONAT_ALLOW_ORIGIN",
    description:
      "comma-separated origins whose pages may connect beside the hub's own; * for all, loopback for this machine's",
    parse: parseList,
    defaultText: "",
  }),
  natsUrl: optional({
    flag: "--nats-url <url>",
    env: "NATS_URL",
    description: "NATS server or cluster to use; without it the hub runs a server of its own",
    parse: parseText,
  }),
  natsNkey: optional({
    flag: "--nats-nkey <file>",
    env: "NATS_NKEY",
    description: "file with the seed (SU…) of the nkey to show the server at --nats-url",
    parse: parseNkeyFile,
  }),
  natsBackendKeys: optional({
    flag: "--nats-backend-keys <file>",
    env: "CONAT_NATS_BACKEND_KEYS",
    description:
      "file with the keys to let projects' own backends in through the server at --nats-url; see --make-nats-accounts",
    parse: parseBackendKeysFile,
  }),
  makeNatsAccounts: optional({
    flag: "--make-nats-accounts <folder>",
    env: "CONAT_MAKE_NATS_ACCOUNTS",
    description:
      "write a configuration for nats-server that keeps projects' own backends away from the data, and the keys for it; then stop",
    parse: parseText,
  }),
  natsDurability: option({
    flag: "--nats-durability <kind>",
    env: "CONAT_NATS_DURABILITY",
    description:
      "what an acknowledgement of the server at --nats-url means; only its operator knows",
    parse: parseOneOf(DURABILITIES),
    defaultText: "unknown",
  }),
  dataDir: option({
    flag: "--data-dir <folder>",
    env: "CONAT_DATA_DIR",
    description: "where the hub's own server keeps its data",
    parse: parseText,
    defaultText: "./.conat",
  }),
  sync: option({
    flag: "--sync <when>",
    env: "CONAT_SYNC",
    description:
      "when the hub's own server writes to disk: every second, or always before it acknowledges",
    parse: parseOneOf(["1s", "always"]),
    defaultText: "1s",
  }),
  partitions: optional({
    flag: "--partitions <number>",
    env: "CONAT_PARTITIONS",
    description: "buckets that stores are spread over where there are none yet",
    parse: parseWhole(1, 1_024),
  }),
  replicas: option({
    flag: "--replicas <number>",
    env: "CONAT_REPLICAS",
    description: "copies that a NATS cluster keeps of a new bucket",
    parse: parseWhole(1, 5),
    defaultText: "1",
  }),
  dedupeWindow: option({
    flag: "--dedupe-window <duration>",
    env: "CONAT_DEDUPE_WINDOW",
    description: "how long a new bucket remembers the ids of writes",
    parse: parseDuration,
    defaultText: "30s",
  }),
  markerTtl: option({
    flag: "--marker-ttl <duration>",
    env: "CONAT_MARKER_TTL",
    description:
      "how long a new bucket remembers removals: who was away for less gets only what changed",
    parse: parseDuration,
    defaultText: "24h",
  }),
  feedLinger: option({
    flag: "--feed-linger <duration>",
    env: "CONAT_FEED_LINGER",
    description: "how long a store stays warm after its last reader",
    parse: parseDuration,
    defaultText: "10s",
  }),
  disconnectGrace: option({
    flag: "--disconnect-grace <duration>",
    env: "CONAT_DISCONNECT_GRACE",
    description:
      "how long a client may be gone before what it has set until it disconnects is removed",
    parse: parseDuration,
    defaultText: "10s",
  }),
  maxReplicaBytes: option({
    flag: "--max-replica-bytes <size>",
    env: "CONAT_MAX_REPLICA_BYTES",
    description: "most memory for replicas of stores",
    parse: parseBytes,
    defaultText: "1GiB",
  }),
  maxValueBytes: option({
    flag: "--max-value-bytes <size>",
    env: "CONAT_MAX_VALUE_BYTES",
    description: "largest encoded value or message",
    parse: parseBytes,
    defaultText: String(DEFAULT_GATEWAY_LIMITS.maxValueBytes),
  }),
  maxOpenStores: option({
    flag: "--max-open-stores <number>",
    env: "CONAT_MAX_OPEN_STORES",
    description: "stores one connection may hold open",
    parse: parseWhole(1, 1_000_000),
    defaultText: String(DEFAULT_GATEWAY_LIMITS.maxOpenStores),
  }),
  maxSubscriptions: option({
    flag: "--max-subscriptions <number>",
    env: "CONAT_MAX_SUBSCRIPTIONS",
    description: "PubSub subscriptions one connection may hold",
    parse: parseWhole(1, 1_000_000),
    defaultText: String(DEFAULT_GATEWAY_LIMITS.maxSubscriptions),
  }),
  maxOutboxBytes: option({
    flag: "--max-outbox-bytes <size>",
    env: "CONAT_MAX_OUTBOX_BYTES",
    description: "bytes that may wait for one slow client before its feeds pause",
    parse: parseBytes,
    defaultText: "4MiB",
  }),
  maxMessageRate: optional({
    flag: "--max-message-rate <number>",
    env: "CONAT_MAX_MESSAGE_RATE",
    description: `messages per second of one connection; 0 for no limit, as for all rates (default ${DEFAULT_GATEWAY_LIMITS.maxMessageRate}, 0 with --dev)`,
    parse: parseWhole(0, 1_000_000_000),
  }),
  maxByteRate: optional({
    flag: "--max-byte-rate <size>",
    env: "CONAT_MAX_BYTE_RATE",
    description: `bytes per second of one connection (default ${DEFAULT_GATEWAY_LIMITS.maxByteRate}, 0 with --dev)`,
    parse: parseBytes,
  }),
  maxIdentityMessageRate: optional({
    flag: "--max-identity-message-rate <number>",
    env: "CONAT_MAX_IDENTITY_MESSAGE_RATE",
    description: `messages per second of one account or project (default ${DEFAULT_GATEWAY_LIMITS.maxIdentityMessageRate}, 0 with --dev)`,
    parse: parseWhole(0, 1_000_000_000),
  }),
  maxIdentityByteRate: optional({
    flag: "--max-identity-byte-rate <size>",
    env: "CONAT_MAX_IDENTITY_BYTE_RATE",
    description: `bytes per second of one account or project (default ${DEFAULT_GATEWAY_LIMITS.maxIdentityByteRate}, 0 with --dev)`,
    parse: parseBytes,
  }),
  maxAddressMessageRate: optional({
    flag: "--max-address-message-rate <number>",
    env: "CONAT_MAX_ADDRESS_MESSAGE_RATE",
    description: `messages per second from one network address (default ${DEFAULT_GATEWAY_LIMITS.maxAddressMessageRate}, 0 with --dev)`,
    parse: parseWhole(0, 1_000_000_000),
  }),
  maxAddressByteRate: optional({
    flag: "--max-address-byte-rate <size>",
    env: "CONAT_MAX_ADDRESS_BYTE_RATE",
    description: `bytes per second from one network address (default ${DEFAULT_GATEWAY_LIMITS.maxAddressByteRate}, 0 with --dev)`,
    parse: parseBytes,
  }),
  maxAddressHandshakeRate: optional({
    flag: "--max-address-handshake-rate <number>",
    env: "CONAT_MAX_ADDRESS_HANDSHAKE_RATE",
    description: `attempts to connect per second from one network address (default ${DEFAULT_GATEWAY_LIMITS.maxAddressHandshakeRate}, 0 with --dev)`,
    parse: parseWhole(0, 1_000_000_000),
  }),
  maxConnections: optional({
    flag: "--max-connections <number>",
    env: "CONAT_MAX_CONNECTIONS",
    description: `connections (default ${DEFAULT_GATEWAY_LIMITS.maxConnections})`,
    parse: parseWhole(0, 1_000_000_000),
  }),
  maxIdentityConnections: optional({
    flag: "--max-identity-connections <number>",
    env: "CONAT_MAX_IDENTITY_CONNECTIONS",
    description: `connections of one account or project (default ${DEFAULT_GATEWAY_LIMITS.maxIdentityConnections})`,
    parse: parseWhole(0, 1_000_000_000),
  }),
  maxAddressConnections: optional({
    flag: "--max-address-connections <number>",
    env: "CONAT_MAX_ADDRESS_CONNECTIONS",
    description: `connections from one network address (default ${DEFAULT_GATEWAY_LIMITS.maxAddressConnections})`,
    parse: parseWhole(0, 1_000_000_000),
  }),
  handshakeTimeout: option({
    flag: "--handshake-timeout <duration>",
    env: "CONAT_HANDSHAKE_TIMEOUT",
    description: "how long a new connection may take to say what it wants and who it is",
    parse: parseDuration,
    defaultText: "10s",
  }),
  maxUntilDisconnect: optional({
    flag: "--max-until-disconnect <number>",
    env: "CONAT_MAX_UNTIL_DISCONNECT",
    description: `keys that one connection may set until it disconnects (default ${DEFAULT_GATEWAY_LIMITS.maxUntilDisconnect})`,
    parse: parseWhole(0, 1_000_000_000),
  }),
  maxPendingWrites: optional({
    flag: "--max-pending-writes <number>",
    env: "CONAT_MAX_PENDING_WRITES",
    description: `writes of one connection that wait for NATS (default ${DEFAULT_GATEWAY_LIMITS.maxPendingWrites})`,
    parse: parseWhole(0, 1_000_000_000),
  }),
  maxPendingReads: optional({
    flag: "--max-pending-reads <number>",
    env: "CONAT_MAX_PENDING_READS",
    description: `reads of one connection that wait for NATS (default ${DEFAULT_GATEWAY_LIMITS.maxPendingReads})`,
    parse: parseWhole(0, 1_000_000_000),
  }),
  maxWaiting: optional({
    flag: "--max-waiting <number>",
    env: "CONAT_MAX_WAITING",
    description: `connections that have not said who they are (default ${DEFAULT_GATEWAY_LIMITS.maxWaiting})`,
    parse: parseWhole(0, 1_000_000_000),
  }),
  maxAddressWaiting: optional({
    flag: "--max-address-waiting <number>",
    env: "CONAT_MAX_ADDRESS_WAITING",
    description: `the same from one network address (default ${DEFAULT_GATEWAY_LIMITS.maxAddressWaiting})`,
    parse: parseWhole(0, 1_000_000_000),
  }),
  maxIdentityOpenStores: optional({
    flag: "--max-identity-open-stores <number>",
    env: "CONAT_MAX_IDENTITY_OPEN_STORES",
    description: `stores that one account or project may hold open over all connections (default ${DEFAULT_GATEWAY_LIMITS.maxIdentityOpenStores})`,
    parse: parseWhole(0, 1_000_000_000),
  }),
  maxIdentitySubscriptions: optional({
    flag: "--max-identity-subscriptions <number>",
    env: "CONAT_MAX_IDENTITY_SUBSCRIPTIONS",
    description: `PubSub subscriptions of one account or project over all connections (default ${DEFAULT_GATEWAY_LIMITS.maxIdentitySubscriptions})`,
    parse: parseWhole(0, 1_000_000_000),
  }),
  trustedProxies: option({
    flag: "--trusted-proxies <number>",
    env: "CONAT_TRUSTED_PROXIES",
    description: "proxies before the hub that add to X-Forwarded-For; with 0 it is not believed",
    parse: parseWhole(0, 10),
    defaultText: "0",
  }),
  pingInterval: option({
    flag: "--ping-interval <duration>",
    env: "CONAT_PING_INTERVAL",
    description: "how often each connection is tested",
    parse: parseDuration,
    defaultText: "10s",
  }),
  pingTimeout: option({
    flag: "--ping-timeout <duration>",
    env: "CONAT_PING_TIMEOUT",
    description: "how long a client may take to answer that",
    parse: parseDuration,
    defaultText: "5s",
  }),
  drain: option({
    flag: "--drain <duration>",
    env: "CONAT_DRAIN",
    description: "time for clients to move elsewhere when the hub is asked to stop",
    parse: parseDuration,
    defaultText: "1s",
  }),
  stopDeadline: option({
    flag: "--stop-deadline <duration>",
    env: "CONAT_STOP_DEADLINE",
    description: "longest time from being asked to stop to the end of the process",
    parse: parseDuration,
    defaultText: "15s",
  }),
  logLevel: option({
    flag: "--log-level <level>",
    env: "CONAT_LOG_LEVEL",
    description: `least important lines to log, as JSON on standard error: ${LOG_LEVELS.join(", ")}`,
    parse: parseOneOf(LOG_LEVELS),
    defaultText: "warn",
  }),
} as const;

type Options = typeof CONFIG_OPTIONS;
type ValueOf<Option> = Option extends ConfigOption<infer Value> ? Value : never;

/** The options with their values. */
export type HubConfig = { readonly [Name in keyof Options]: ValueOf<Options[Name]> };
