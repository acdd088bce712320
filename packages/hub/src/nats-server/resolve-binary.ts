import { delimiter, isAbsolute, join, resolve } from "node:path";
import { fetchFromApt } from "./apt.ts";
import { type NatsServerBinary, readBinaryVersion } from "./binary.ts";
import { BinaryCache, cacheFolder } from "./cache.ts";
import { downloadRelease } from "./download.ts";
import { NatsServerError } from "./errors.ts";
import { executableName, platformKey, type ReleaseAsset, releaseAsset } from "./release.ts";
import { isSupportedVersion, MIN_NATS_SERVER_VERSION } from "./version.ts";

/** Where to look for a server, and whom to tell about it. */
export type ResolveOptions = {
  /** Takes one line of progress for the terminal. @default says nothing */
  readonly log?: (line: string) => void;
  /** @default process.env */
  readonly env?: NodeJS.ProcessEnv;
  /** Ends a download; the promise then rejects. */
  readonly signal?: AbortSignal | undefined;
  /** The two ways to fetch a server, replaceable in tests. */
  readonly sources?: BinarySources;
};

/** Each puts an executable under an empty folder and returns its path, or throws. */
export type BinarySources = {
  readonly release: (
    asset: ReleaseAsset,
    folder: string,
    signal: AbortSignal | undefined,
  ) => Promise<string>;
  readonly apt: (folder: string, signal: AbortSignal | undefined) => Promise<string>;
};

const REAL_SOURCES: BinarySources = {
  release: (asset, folder, signal) => downloadRelease({ asset, folder, signal }),
  apt: (folder, signal) => fetchFromApt({ folder, signal }),
};

/**
 * A nats-server binary that is new enough, from the first of: `$CONAT_NATS_SERVER`, PATH, this
 * user's cache (`$CONAT_CACHE`, `$XDG_CACHE_HOME/conat` or `~/.cache/conat`), the official
 * release, Debian's package. The last two fill the cache, so that they happen once.
 * @throws {NatsServerError} `not-found`, `too-old` (only for `$CONAT_NATS_SERVER`) or
 * `checksum-mismatch`.
 */
export async function resolveNatsServer(options: ResolveOptions = {}): Promise<NatsServerBinary> {
  const env = options.env ?? process.env;
  const log = options.log ?? (() => undefined);
  const named = env.CONAT_NATS_SERVER;
  if (named) {
    return fromEnvironment(named);
  }
  return (await fromPath(env, log)) ?? (await fromCacheOrFetched(options, env, log));
}

async function fromEnvironment(named: string): Promise<NatsServerBinary> {
  const path = resolve(named);
  const version = await readBinaryVersion(path);
  if (version === undefined) {
    throw new NatsServerError(
      "not-found",
      `CONAT_NATS_SERVER names ${path}, which does not run as a nats-server: correct it or unset it.`,
    );
  }
  if (!isSupportedVersion(version)) {
    throw new NatsServerError(
      "too-old",
      `CONAT_NATS_SERVER names nats-server ${version}, and ${MIN_NATS_SERVER_VERSION} or newer is needed: update it or unset it.`,
    );
  }
  return { path, version, source: "environment" };
}

async function fromPath(
  env: NodeJS.ProcessEnv,
  log: (line: string) => void,
): Promise<NatsServerBinary | undefined> {
  for (const folder of (env.PATH ?? "").split(delimiter)) {
    // An empty or relative entry means the working directory: never run a program from there.
    if (!isAbsolute(folder)) {
      continue;
    }
    const path = join(folder, executableName(process.platform));
    const version = await readBinaryVersion(path);
    if (version === undefined) {
      continue;
    }
    if (isSupportedVersion(version)) {
      return { path, version, source: "path" };
    }
    log(`nats-server ${version} at ${path} is older than ${MIN_NATS_SERVER_VERSION}; not used`);
  }
  return undefined;
}

async function fromCacheOrFetched(
  options: ResolveOptions,
  env: NodeJS.ProcessEnv,
  log: (line: string) => void,
): Promise<NatsServerBinary> {
  const platform = platformKey(process.platform, process.arch) ?? "other";
  const folder = cacheFolder(env);
  const cache = new BinaryCache({
    folder,
    platform,
    executable: executableName(process.platform),
  });
  const cached = await cache.find();
  if (cached !== undefined) {
    return { ...cached, source: "cache" };
  }
  const sources = options.sources ?? REAL_SOURCES;
  const { signal } = options;
  const asset = releaseAsset(process.platform, process.arch);
  if (asset === undefined) {
    log(`no official nats-server build exists for ${process.platform} ${process.arch}`);
  } else {
    log(`downloading nats-server ${asset.version} (once, 7 MB)`);
    const fetched = await fetchInto(cache, log, "the official release", (staging) =>
      sources.release(asset, staging, signal),
    );
    if (fetched !== undefined) {
      return { ...fetched, source: "release" };
    }
  }
  signal?.throwIfAborted();
  if (process.platform === "linux") {
    log("fetching Debian's nats-server package instead (once, 5 MB and 10 MB of lists)");
    const fetched = await fetchInto(cache, log, "Debian's package", (staging) =>
      sources.apt(staging, signal),
    );
    if (fetched !== undefined) {
      return { ...fetched, source: "apt" };
    }
  }
  signal?.throwIfAborted();
  throw new NatsServerError(
    "not-found",
    `No nats-server ${MIN_NATS_SERVER_VERSION} or newer was found or could be fetched into ${folder}. ` +
      "Install one (macOS: brew install nats-server; elsewhere: the archive from https://github.com/nats-io/nats-server/releases) and put it on PATH. " +
      "Or set CONAT_NATS_SERVER to the path of its executable. " +
      "Or set NATS_URL to a server that already runs.",
  );
}

/** Fetches, proves that the result runs here and is new enough, and caches it; undefined when it cannot be had this way. */
async function fetchInto(
  cache: BinaryCache,
  log: (line: string) => void,
  what: string,
  fetchBinary: (staging: string) => Promise<string>,
): Promise<{ path: string; version: string } | undefined> {
  try {
    return await cache.withStaging(async (staging) => {
      const staged = await fetchBinary(staging);
      const version = await readBinaryVersion(staged);
      if (version === undefined) {
        throw new Error("what came does not run on this machine");
      }
      if (!isSupportedVersion(version)) {
        throw new Error(`it is version ${version}`);
      }
      const path = await cache.install(staged, version);
      log(`nats-server ${version} is ready`);
      return { path, version };
    });
  } catch (error) {
    if (error instanceof NatsServerError) {
      throw error;
    }
    log(`${what} cannot be had: ${reasonOf(error)}`);
    return undefined;
  }
}

/** fetch() hides the useful part ("ENOTFOUND") in its cause. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) {
    return String(error);
  }
  return error.cause instanceof Error ? error.cause.message : error.message;
}
