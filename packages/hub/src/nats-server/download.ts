import { createHash } from "node:crypto";
import { open } from "node:fs/promises";
import { join } from "node:path";
import { NatsServerError } from "./errors.ts";
import { parseSha256Sums, type ReleaseAsset } from "./release.ts";
import { runCommand } from "./run-command.ts";

/** Time to the first byte: behind a firewall that drops packets this is what everybody waits. */
const CONNECT_TIMEOUT_MS = 3_000;
/** Silence in the middle of a transfer after which it is given up. */
const STALL_TIMEOUT_MS = 15_000;
const UNPACK_TIMEOUT_MS = 60_000;
/** The archives are 6 to 8 MB; anything far above is not one. */
const MAX_ARCHIVE_BYTES = 100 * 1024 * 1024;

/** How to reach the release. */
export type DownloadOptions = {
  readonly asset: ReleaseAsset;
  /** An empty folder to work in; the result lies inside it. */
  readonly folder: string;
  readonly signal?: AbortSignal | undefined;
  readonly connectTimeoutMs?: number;
};

/**
 * Downloads an official build, verifies its sha256 and unpacks it; returns the executable's path.
 * @throws {NatsServerError} `checksum-mismatch`; any other error means that it cannot be had.
 */
export async function downloadRelease(options: DownloadOptions): Promise<string> {
  const { asset, folder } = options;
  const expected = asset.sha256 ?? parseSha256Sums(await fetchText(options), asset.fileName);
  if (expected === undefined) {
    throw new Error(`${asset.sumsUrl} does not list ${asset.fileName}`);
  }
  const archive = join(folder, asset.fileName);
  const actual = await fetchToFile(options, archive);
  if (actual !== expected) {
    throw new NatsServerError(
      "checksum-mismatch",
      `${asset.url} has sha256 ${actual} instead of ${expected}, so it was thrown away: install nats-server yourself and set CONAT_NATS_SERVER to its path.`,
    );
  }
  const unpacked = await runCommand("tar", ["-xf", archive, "-C", folder, asset.executable], {
    timeoutMs: UNPACK_TIMEOUT_MS,
    signal: options.signal,
  });
  if (unpacked.code !== 0) {
    throw new Error(`tar could not unpack ${asset.fileName}: ${unpacked.stderr.trim()}`);
  }
  return join(folder, ...asset.executable.split("/"));
}

async function fetchText(options: DownloadOptions): Promise<string> {
  const chunks: Uint8Array[] = [];
  await fetchChunks(options, options.asset.sumsUrl, async (chunk) => {
    chunks.push(chunk);
  });
  return Buffer.concat(chunks).toString("utf8");
}

/** Returns the sha256 of what it wrote. */
async function fetchToFile(options: DownloadOptions, path: string): Promise<string> {
  const hash = createHash("sha256");
  const file = await open(path, "wx", 0o600);
  try {
    await fetchChunks(options, options.asset.url, async (chunk) => {
      hash.update(chunk);
      await file.writeFile(chunk);
    });
  } finally {
    await file.close();
  }
  return hash.digest("hex");
}

async function fetchChunks(
  options: DownloadOptions,
  url: string,
  take: (chunk: Uint8Array) => Promise<void>,
): Promise<void> {
  const abort = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  const allow = (ms: number) => {
    clearTimeout(timer);
    timer = setTimeout(() => abort.abort(new Error(`no answer within ${ms / 1000} s`)), ms);
  };
  const onAbort = () => abort.abort(options.signal?.reason);
  options.signal?.addEventListener("abort", onAbort, { once: true });
  try {
    options.signal?.throwIfAborted();
    allow(options.connectTimeoutMs ?? CONNECT_TIMEOUT_MS);
    const response = await fetch(url, { signal: abort.signal });
    if (!response.ok || response.body === null) {
      throw new Error(`it answered ${response.status}`);
    }
    let totalBytes = 0;
    allow(STALL_TIMEOUT_MS);
    for await (const chunk of response.body) {
      allow(STALL_TIMEOUT_MS);
      totalBytes += chunk.byteLength;
      if (totalBytes > MAX_ARCHIVE_BYTES) {
        throw new Error(`it is larger than ${MAX_ARCHIVE_BYTES} bytes`);
      }
      await take(chunk);
    }
  } finally {
    clearTimeout(timer);
    options.signal?.removeEventListener("abort", onAbort);
    // Ends a transfer that was given up half-way; nothing to do for one that is complete.
    abort.abort();
  }
}
