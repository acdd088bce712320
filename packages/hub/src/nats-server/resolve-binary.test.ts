import { createHash } from "node:crypto";
import { mkdir, readdir, readFile, stat, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { delimiter, join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { downloadRelease } from "./download.ts";
import { NatsServerError } from "./errors.ts";
import { platformKey, type ReleaseAsset, releaseAsset } from "./release.ts";
import { type BinarySources, type ResolveOptions, resolveNatsServer } from "./resolve-binary.ts";
import { runCommand } from "./run-command.ts";
import { writeFakeServer } from "./test-kit/fake-server.ts";
import { temporaryFolder } from "./test-kit/temporary-folder.ts";

const CACHED = `cache/nats-server/${platformKey(process.platform, process.arch)}`;

/** A machine with nothing installed, no network, and the folders of a test. */
async function machine(overrides: { path?: string[]; sources?: Partial<BinarySources> } = {}) {
  const folder = await temporaryFolder();
  const lines: string[] = [];
  const unreachable = async () => {
    throw new Error("unreachable");
  };
  const options: ResolveOptions = {
    env: {
      CONAT_CACHE: join(folder, "cache"),
      PATH: (overrides.path ?? []).map((name) => join(folder, name)).join(delimiter),
    },
    log: (line) => lines.push(line),
    sources: { release: unreachable, apt: unreachable, ...overrides.sources },
  };
  return { folder, lines, options };
}

async function cacheEntries(folder: string): Promise<string[]> {
  const entries = await readdir(join(folder, "cache"), { recursive: true });
  return entries.filter((name) => name.endsWith("nats-server") && name !== "nats-server");
}

describe("CONAT_NATS_SERVER", () => {
  it("wins over PATH and cache", async () => {
    const { folder, options } = await machine({ path: ["bin"] });
    await writeFakeServer(join(folder, "bin/nats-server"), "2.15.1");
    const mine = await writeFakeServer(join(folder, "mine"), "2.13.0");
    const found = await resolveNatsServer({
      ...options,
      env: { ...options.env, CONAT_NATS_SERVER: mine },
    });
    expect(found).toEqual({ path: mine, version: "2.13.0", source: "environment" });
  });

  it("is an error when too old or missing, never silently passed over", async () => {
    const { folder, options } = await machine({ path: ["bin"] });
    await writeFakeServer(join(folder, "bin/nats-server"), "2.15.1");
    const old = await writeFakeServer(join(folder, "old"), "2.10.27");
    const withServer = (path: string) =>
      resolveNatsServer({ ...options, env: { ...options.env, CONAT_NATS_SERVER: path } });
    await expect(withServer(old)).rejects.toMatchObject({ kind: "too-old" });
    await expect(withServer(join(folder, "none"))).rejects.toMatchObject({ kind: "not-found" });
  });
});

describe("PATH", () => {
  it("gives the first one that is new enough, and says which were not", async () => {
    const { folder, lines, options } = await machine({ path: ["empty", "old", "new"] });
    const old = await writeFakeServer(join(folder, "old/nats-server"), "2.10.27");
    const recent = await writeFakeServer(join(folder, "new/nats-server"), "2.14.0");
    expect(await resolveNatsServer(options)).toEqual({
      path: recent,
      version: "2.14.0",
      source: "path",
    });
    expect(lines).toEqual([`nats-server 2.10.27 at ${old} is older than 2.12.0; not used`]);
  });

  it("never runs a program from the working directory", async () => {
    const { options } = await machine();
    const env = { ...options.env, PATH: `.${delimiter}` };
    await expect(resolveNatsServer({ ...options, env })).rejects.toMatchObject({
      kind: "not-found",
    });
  });
});

describe("fetching", () => {
  it("caches the release, so that the second time needs no network", async () => {
    const { folder, lines, options } = await machine({
      sources: { release: (_asset, staging) => writeFakeServer(join(staging, "x"), "2.15.0") },
    });
    const first = await resolveNatsServer(options);
    expect(first).toMatchObject({ version: "2.15.0", source: "release" });
    expect(first.path.startsWith(join(folder, "cache"))).toBe(true);
    expect(lines.at(-1)).toBe("nats-server 2.15.0 is ready");

    const offline = await machine();
    const again = await resolveNatsServer({
      ...offline.options,
      env: options.env ?? {},
    });
    expect(again).toEqual({ ...first, source: "cache" });
    expect(offline.lines).toEqual([]);
  });

  it("takes Debian's package when the release cannot be reached, and leaves nothing else behind", async () => {
    const { folder, lines, options } = await machine({
      sources: { apt: (staging) => writeFakeServer(join(staging, "usr/sbin/x"), "2.15.1") },
    });
    expect(await resolveNatsServer(options)).toMatchObject({ version: "2.15.1", source: "apt" });
    expect(lines).toContain("the official release cannot be had: unreachable");
    expect(await readdir(join(folder, CACHED))).toEqual(["2.15.1"]);
  });

  it("goes on when what came is too old or does not run", async () => {
    const { lines, options } = await machine({
      sources: {
        release: async (_asset, staging) => {
          await writeFile(join(staging, "x"), "not a program", { mode: 0o755 });
          return join(staging, "x");
        },
        apt: (staging) => writeFakeServer(join(staging, "x"), "2.9.10"),
      },
    });
    await expect(resolveNatsServer(options)).rejects.toMatchObject({ kind: "not-found" });
    expect(lines).toContain(
      "the official release cannot be had: what came does not run on this machine",
    );
    expect(lines).toContain("Debian's package cannot be had: it is version 2.9.10");
  });

  it("does not fall back from a download that was tampered with", async () => {
    const { options } = await machine({
      sources: {
        release: async () => {
          throw new NatsServerError("checksum-mismatch", "tampered");
        },
        apt: (staging) => writeFakeServer(join(staging, "x"), "2.15.1"),
      },
    });
    await expect(resolveNatsServer(options)).rejects.toMatchObject({ kind: "checksum-mismatch" });
  });

  it("says everything that can be done when nothing works", async () => {
    const { options } = await machine();
    await expect(resolveNatsServer(options)).rejects.toThrow(
      /put it on PATH.*CONAT_NATS_SERVER.*NATS_URL/,
    );
  });

  it("gives every one of several at once a server that works", async () => {
    const { folder, options } = await machine({
      sources: { release: (_asset, staging) => writeFakeServer(join(staging, "x"), "2.15.0") },
    });
    const found = await Promise.all(Array.from({ length: 5 }, () => resolveNatsServer(options)));
    expect(new Set(found.map(({ path }) => path)).size).toBe(1);
    expect(await cacheEntries(folder)).toHaveLength(1);
  });

  it("replaces a broken cache entry", async () => {
    const { folder, options } = await machine({
      sources: { release: (_asset, staging) => writeFakeServer(join(staging, "x"), "2.15.0") },
    });
    const broken = join(folder, CACHED, "2.15.0");
    await mkdir(broken, { recursive: true });
    await writeFile(join(broken, "nats-server"), "");
    const { path } = await resolveNatsServer(options);
    expect((await stat(path)).mode & 0o111).not.toBe(0);
  });
});

describe("downloadRelease", () => {
  /** Serves an archive as the release would, from loopback. */
  async function release(options: { sums?: (sha256: string) => string } = {}) {
    const folder = await temporaryFolder();
    const asset = releaseAsset("linux", "x64");
    if (asset === undefined) {
      throw new Error("no asset");
    }
    await writeFakeServer(join(folder, asset.executable), "2.15.0");
    const archive = join(folder, asset.fileName);
    await runCommand("tar", ["-czf", archive, "-C", folder, asset.executable], {
      timeoutMs: 5_000,
    });
    const bytes = await readFile(archive);
    const sha256 = createHash("sha256").update(bytes).digest("hex");
    const server = createServer((request, response) => {
      if (request.url?.endsWith(asset.fileName)) {
        response.end(bytes);
      } else if (request.url?.endsWith("SHA256SUMS") && options.sums) {
        response.end(options.sums(sha256));
      } else {
        response.writeHead(404).end();
      }
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    onTestFinished(() => {
      server.close();
      server.closeAllConnections();
    });
    const { port } = server.address() as AddressInfo;
    const local: ReleaseAsset = {
      ...asset,
      ...releaseAsset("linux", "x64", `http://127.0.0.1:${port}`),
      sha256: undefined,
    };
    const work = join(folder, "work");
    await mkdir(work);
    return { asset: local, folder: work, sha256, port };
  }

  it("verifies by the release's list, unpacks and returns the executable", async () => {
    const { asset, folder } = await release({
      sums: (sha256) =>
        `${"0".repeat(64)}  other\n${sha256}  ${releaseAsset("linux", "x64")?.fileName}\n`,
    });
    const path = await downloadRelease({ asset, folder });
    expect((await runCommand(path, [], { timeoutMs: 5_000 })).stdout).toBe(
      "nats-server: v2.15.0\n",
    );
  });

  it("verifies by the recorded checksum, and then needs no list", async () => {
    const { asset, folder, sha256 } = await release();
    const path = await downloadRelease({ asset: { ...asset, sha256 }, folder });
    expect(path).toBe(join(folder, asset.executable));
  });

  it("refuses bytes that differ from the recorded checksum, whatever the list says", async () => {
    const { asset, folder } = await release({ sums: (sha256) => `${sha256}  ${asset.fileName}` });
    await expect(
      downloadRelease({ asset: { ...asset, sha256: "0".repeat(64) }, folder }),
    ).rejects.toMatchObject({ kind: "checksum-mismatch" });
  });

  it("does not use an archive that nothing vouches for", async () => {
    const { asset, folder } = await release({ sums: () => "" });
    await expect(downloadRelease({ asset, folder })).rejects.toThrow(/does not list/);
  });

  it("gives up soon on a host that does not answer", async () => {
    const silent = createServer(() => undefined);
    await new Promise<void>((resolve) => silent.listen(0, "127.0.0.1", resolve));
    onTestFinished(() => {
      silent.closeAllConnections();
      silent.close();
    });
    const { port } = silent.address() as AddressInfo;
    const asset = releaseAsset("linux", "x64", `http://127.0.0.1:${port}`);
    if (asset === undefined) {
      throw new Error("no asset");
    }
    await expect(
      downloadRelease({ asset, folder: await temporaryFolder(), connectTimeoutMs: 50 }),
    ).rejects.toThrow("no answer within 0.05 s");
  });
});
