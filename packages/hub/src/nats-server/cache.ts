import { chmod, mkdir, mkdtemp, readdir, rename, rm, stat } from "node:fs/promises";
import { homedir } from "node:os";
import { isAbsolute, join, resolve } from "node:path";
import { readBinaryVersion } from "./binary.ts";
import { compareVersions, isSupportedVersion } from "./version.ts";

/** Staging folders of processes that were killed; no download takes this long. */
const STALE_STAGING_MS = 60 * 60 * 1000;
const STAGING_PREFIX = ".staging-";

/**
 * The folder that keeps downloaded servers: `$CONAT_CACHE`, else `$XDG_CACHE_HOME/conat`, else
 * `~/.cache/conat`. A relative `XDG_CACHE_HOME` is ignored, as its specification says.
 */
export function cacheFolder(env: NodeJS.ProcessEnv): string {
  if (env.CONAT_CACHE) {
    return resolve(env.CONAT_CACHE);
  }
  const xdg = env.XDG_CACHE_HOME;
  return xdg && isAbsolute(xdg) ? join(xdg, "conat") : join(homedir(), ".cache", "conat");
}

/** The servers of one platform kept under one cache folder, one sub-folder per version. */
export class BinaryCache {
  readonly #folder: string;
  readonly #executable: string;

  /** @param platform `<os>-<arch>`, so that a home folder shared between machines works. */
  constructor(options: { folder: string; platform: string; executable: string }) {
    this.#folder = join(options.folder, "nats-server", options.platform);
    this.#executable = options.executable;
  }

  /** The newest cached server that runs here and is new enough. */
  async find(): Promise<{ path: string; version: string } | undefined> {
    const names = await readdir(this.#folder).catch(() => []);
    const versions = names.filter((name) => /^\d+\.\d+\.\d+/.test(name)).sort(compareVersions);
    for (const version of versions.reverse()) {
      const path = join(this.#folder, version, this.#executable);
      // The folder's name is only a hint: what counts is what the binary says.
      const actual = await readBinaryVersion(path);
      if (actual !== undefined && isSupportedVersion(actual)) {
        return { path, version: actual };
      }
    }
    return undefined;
  }

  /** Runs `fill` with an empty folder on the cache's file system, and removes the folder afterwards. */
  async withStaging<T>(fill: (folder: string) => Promise<T>): Promise<T> {
    await mkdir(this.#folder, { recursive: true });
    await this.#removeStaleStaging();
    const staging = await mkdtemp(join(this.#folder, STAGING_PREFIX));
    try {
      return await fill(staging);
    } finally {
      await rm(staging, { recursive: true, force: true });
    }
  }

  /**
   * Moves a verified executable into the cache and returns its path there. Several processes may
   * install the same version at once: the rename is atomic, and the losers use the winner's.
   */
  async install(staged: string, version: string): Promise<string> {
    await chmod(staged, 0o755);
    const target = join(this.#folder, version);
    const complete = await mkdtemp(join(this.#folder, STAGING_PREFIX));
    try {
      await chmod(complete, 0o755);
      await rename(staged, join(complete, this.#executable));
      await this.#publish(complete, target);
    } finally {
      await rm(complete, { recursive: true, force: true });
    }
    return join(target, this.#executable);
  }

  async #publish(complete: string, target: string): Promise<void> {
    try {
      await rename(complete, target);
    } catch (error) {
      if ((await readBinaryVersion(join(target, this.#executable))) !== undefined) {
        return;
      }
      // What is there does not run (a disk that filled up, a half-deleted folder): replace it.
      await rm(target, { recursive: true, force: true });
      try {
        await rename(complete, target);
      } catch {
        throw error;
      }
    }
  }

  async #removeStaleStaging(): Promise<void> {
    const names = await readdir(this.#folder).catch(() => []);
    for (const name of names.filter((candidate) => candidate.startsWith(STAGING_PREFIX))) {
      const path = join(this.#folder, name);
      const info = await stat(path).catch(() => undefined);
      if (info !== undefined && Date.now() - info.mtimeMs > STALE_STAGING_MS) {
        await rm(path, { recursive: true, force: true });
      }
    }
  }
}
