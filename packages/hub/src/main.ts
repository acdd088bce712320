#!/usr/bin/env node
import { readFileSync } from "node:fs";
import { ConatError } from "@conat/conat/internal";
import type { JwtOptions } from "./auth/jwt-authenticator.ts";
import { makeNatsAccounts } from "./backends/make-accounts.ts";
import { ConfigError, loadConfig } from "./config.ts";
import type { HubConfig } from "./config-options.ts";
import type { GatewayLimits } from "./gateway/limits.ts";
import { type Hub, startHub } from "./hub.ts";
import type { HubOptions } from "./hub-options.ts";
import { createLogger } from "./observability/logger.ts";
import { parseRules } from "./rules/declared-rules.ts";
import type { Rule } from "./rules/rule.ts";

const EXIT_FAILED = 1;
const EXIT_BAD_OPTIONS = 2;

/** What a shell reports for a program that ended by a signal. */
const SIGNAL_EXIT: Readonly<Record<string, number>> = { SIGINT: 130, SIGTERM: 143 };

function toHubOptions(
  config: HubConfig,
  { signal, onNatsLost }: Pick<HubOptions, "signal" | "onNatsLost">,
): HubOptions {
  const origins = config.dev ? ["loopback", ...config.allowOrigin] : config.allowOrigin;
  return {
    port: config.port,
    host: config.host,
    dev: config.dev,
    jwt: toJwtOptions(config),
    rules: config.rules === undefined ? undefined : readRules(config.rules),
    leaseMs: config.lease,
    trustedProxies: config.trustedProxies,
    allowedOrigins: origins,
    staticDir: config.static,
    natsUrl: config.natsUrl,
    natsNkeySeed: config.natsNkey,
    natsBackendKeys: config.natsBackendKeys,
    natsDurability: config.natsDurability,
    dataDir: config.dataDir,
    syncInterval: config.sync,
    partitions: config.partitions,
    replicas: config.replicas,
    dedupeWindowMs: config.dedupeWindow,
    markerTtlMs: config.markerTtl,
    feedLingerMs: config.feedLinger,
    disconnectGraceMs: config.disconnectGrace,
    maxReplicaBytes: config.maxReplicaBytes,
    limits: {
      maxValueBytes: config.maxValueBytes,
      maxOpenStores: config.maxOpenStores,
      maxSubscriptions: config.maxSubscriptions,
      maxOutboxBytes: config.maxOutboxBytes,
      ...chosenLimits(config),
    },
    handshakeTimeoutMs: config.handshakeTimeout,
    pingIntervalMs: config.pingInterval,
    pingTimeoutMs: config.pingTimeout,
    logger: createLogger(config.logLevel),
    onProgress: (line) => console.error(`conat: ${line}`),
    signal,
    onNatsLost,
  };
}

/** The limits that somebody has named; the others have defaults that depend on the mode. */
function chosenLimits(config: HubConfig): Partial<GatewayLimits> {
  const names = [
    "maxMessageRate",
    "maxByteRate",
    "maxIdentityMessageRate",
    "maxIdentityByteRate",
    "maxAddressMessageRate",
    "maxAddressByteRate",
    "maxAddressHandshakeRate",
    "maxConnections",
    "maxIdentityConnections",
    "maxAddressConnections",
    "maxUntilDisconnect",
    "maxPendingWrites",
    "maxPendingReads",
    "maxWaiting",
    "maxAddressWaiting",
    "maxIdentityOpenStores",
    "maxIdentitySubscriptions",
  ] as const;
  const chosen = names.filter((name) => config[name] !== undefined);
  return Object.fromEntries(chosen.map((name) => [name, config[name]]));
}

/** @throws ConatError `bad-options` */
function readRules(path: string): readonly Rule[] {
  try {
    return parseRules(JSON.parse(readFileSync(path, "utf8")));
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new ConatError("bad-options", `the rules in ${path} cannot be used: ${why}`, {
      cause: error,
    });
  }
}

function toJwtOptions(config: HubConfig): JwtOptions | undefined {
  const { jwtSecret, jwksUrl, jwtIssuer, jwtAudience, cookie, maxTokenLifetime } = config;
  if (jwtSecret === undefined && jwksUrl === undefined) return undefined;
  return {
    secret: jwtSecret,
    jwksUrl,
    issuer: jwtIssuer,
    audience: jwtAudience,
    cookie,
    maxLifetimeMs: maxTokenLifetime,
  };
}

/** Says in one sentence why the process ends. */
function fail(error: unknown): never {
  const isOptions =
    error instanceof ConfigError ||
    (error instanceof ConatError && (error.kind === "bad-options" || error.kind === "bad-address"));
  console.error(`conat: ${error instanceof Error ? error.message : String(error)}`);
  process.exit(isOptions ? EXIT_BAD_OPTIONS : EXIT_FAILED);
}

async function run(config: HubConfig): Promise<void> {
  const starting = new AbortController();
  let hub: Hub | undefined;
  let stopping = false;

  const stop = async (exitCode: number): Promise<void> => {
    starting.abort();
    // A stop that hangs must not keep a service manager waiting.
    setTimeout(() => process.exit(EXIT_FAILED), config.stopDeadline).unref();
    await hub?.close({ drainMs: config.drain });
    process.exit(exitCode);
  };
  const stopFailed = (): void => {
    if (!stopping) void stop(EXIT_FAILED).catch(fail);
    stopping = true;
  };
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    process.on(signal, () => {
      // The second time somebody is impatient; NATS follows the process by itself.
      if (stopping) process.exit(SIGNAL_EXIT[signal]);
      stopping = true;
      if (hub) void stop(0).catch(fail);
      else starting.abort();
    });
  }
  const { rules } = config;
  if (rules !== undefined) {
    process.on("SIGHUP", () => {
      // Rules that cannot be read change nothing.
      try {
        void hub?.setRules(readRules(rules)).catch(fail);
      } catch (error) {
        console.error(`conat: ${error instanceof Error ? error.message : String(error)}`);
      }
    });
  }
  process.on("uncaughtException", (error) => {
    console.error("conat: the hub has failed and stops;", error);
    stopFailed();
  });
  const onNatsLost = (): void => {
    console.error("conat: nats-server cannot be restarted, so the hub stops; its log says why");
    stopFailed();
  };

  try {
    hub = await startHub(toHubOptions(config, { signal: starting.signal, onNatsLost }));
  } catch (error) {
    if (starting.signal.aborted) process.exit(0);
    throw error;
  }
  if (starting.signal.aborted) await stop(0);
  console.log(`conat: ${hub.url}`);
}

// Whoever reads what is printed may have had enough, as `head` has. A hub goes on.
process.stdout.on("error", () => {});

try {
  const config = loadConfig(
    { args: process.argv.slice(2), env: process.env },
    (text) => void process.stdout.write(text),
  );
  if (config?.makeNatsAccounts !== undefined) {
    console.log(await makeNatsAccounts(config.makeNatsAccounts));
  } else if (config) await run(config);
} catch (error) {
  fail(error);
}
