import type { Session } from "@conat/conat/internal";
import {
  type JetstreamOptions,
  type JetstreamSession,
  openJetstream,
} from "@conat/conat/jetstream";
import type { Logger } from "pino";
import type { ResolvedHubOptions } from "../hub-options.ts";
import { type BackendKeys, type NatsServer, startNatsServer } from "../nats-server/index.ts";

/** A server that runs answers sooner; whoever waits for another one wants to know what for. */
const SILENT_WAIT_MS = 2_000;

/** Where the hub gets everything from. */
export interface Upstream {
  readonly session: Session;
  /** Whether a checkpoint is of the history that its store has now; undefined when the session was given. */
  readonly knows: JetstreamSession["knows"] | undefined;
  /** How long removals are remembered there, in milliseconds. */
  readonly markerTtlMs: number;
  /** Address of NATS; undefined when the session was given. */
  readonly natsUrl: string | undefined;
  /** What it takes to let projects' own backends in through that NATS; undefined when nothing is known of it. */
  readonly backendKeys: BackendKeys | undefined;
  /** The hub's own server, if it runs one. */
  readonly natsServer: NatsServer | undefined;
  /** Ends what was started here. */
  close(): Promise<void>;
}

/**
 * The session that was given, or one on the NATS server that was named, or one on a server of the hub's own.
 * @throws ConatError when NATS is not reached or too old, NatsServerError when no server can be started.
 */
export async function openUpstream(options: ResolvedHubOptions): Promise<Upstream> {
  const { session, natsUrl, markerTtlMs } = options;
  if (session) {
    const close = async (): Promise<void> => undefined;
    const none = {
      knows: undefined,
      natsUrl: undefined,
      natsServer: undefined,
      backendKeys: undefined,
    };
    return { ...none, session, markerTtlMs, close };
  }
  if (natsUrl !== undefined) {
    const waiting = setTimeout(
      () => options.onProgress?.("NATS is not reached yet; trying on"),
      SILENT_WAIT_MS,
    );
    const opened = await openSession(options, {
      servers: natsUrl,
      nkeySeed: encodeSeed(options.natsNkeySeed),
      durability: options.natsDurability,
    }).finally(() => clearTimeout(waiting));
    return {
      session: opened,
      knows: (ref, checkpoint) => opened.knows(ref, checkpoint),
      markerTtlMs: opened.markerTtlMs ?? markerTtlMs,
      natsUrl,
      natsServer: undefined,
      backendKeys: options.natsBackendKeys,
      close: () => opened.close(),
    };
  }
  const natsServer = await startNatsServer({
    dataDir: options.dataDir,
    syncInterval: options.syncInterval,
    backends: true,
    log: (level, message) => logNatsServer(options.logger, level, message),
    onProgress: options.onProgress,
    maxRestarts: options.maxNatsRestarts,
    ...(options.natsServerBinary === undefined ? {} : { binary: options.natsServerBinary }),
    ...(options.signal === undefined ? {} : { signal: options.signal }),
  });
  natsServer.onStatus((status) => {
    if (status === "failed") options.onNatsLost?.();
  });
  try {
    const opened = await openSession(options, {
      servers: natsServer.url,
      nkeySeed: encodeSeed(natsServer.nkeySeed),
      durability: options.syncInterval === "always" ? "disk" : "os",
    });
    return {
      session: opened,
      knows: (ref, checkpoint) => opened.knows(ref, checkpoint),
      markerTtlMs: opened.markerTtlMs ?? markerTtlMs,
      natsUrl: natsServer.url,
      natsServer,
      backendKeys: natsServer.backendKeys,
      async close() {
        await opened.close();
        await natsServer.stop();
      },
    };
  } catch (error) {
    await natsServer.stop();
    throw error;
  }
}

function openSession(
  options: ResolvedHubOptions,
  where: Pick<JetstreamOptions, "servers" | "nkeySeed" | "durability">,
): Promise<JetstreamSession> {
  const { partitions, replicas, dedupeWindowMs, markerTtlMs, connectTimeoutMs, signal } = options;
  return openJetstream({
    ...where,
    name: "conat-hub",
    partitions,
    replicas,
    dedupeWindowMs,
    markerTtlMs,
    connectTimeoutMs,
    signal,
  });
}

function encodeSeed(seed: string | undefined): Uint8Array | undefined {
  return seed === undefined ? undefined : new TextEncoder().encode(seed);
}

function logNatsServer(logger: Logger, level: "info" | "warn" | "error", message: string): void {
  logger[level]({ from: "nats-server" }, message);
}
