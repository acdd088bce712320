/** The official release that is downloaded where no nats-server is installed. */
export const RELEASE_VERSION = "2.15.0";

const RELEASES_URL = "https://github.com/nats-io/nats-server/releases/download";

/**
 * sha256 of the archives of `RELEASE_VERSION`: the Linux and Windows ones as the publisher's own
 * container images verify them, the macOS ones as other projects recorded them from the release's
 * SHA256SUMS. An archive that is not listed is verified by the SHA256SUMS of the same release,
 * which is weaker: it comes from the same place as the archive.
 */
const PINNED_SHA256: ReadonlyMap<string, string> = new Map([
  ["linux-amd64", "5d2c51caca950333aba84911df7d377f826f3a59ec36061c6539105084f65c92"],
  ["linux-arm64", "cdc208f5a3f42963a52b6ab06ef65626bb870315dc936e26ba571780c6351112"],
  ["linux-arm6", "e29421c251dda2003d16b8d503124a0d690d05f4e018923be7e5e64b446e42c2"],
  ["linux-arm7", "ec5f4689d017e07cfa18442e10da051c0f3f9dd2e7f4dc7cdb55a11f1303c952"],
  ["linux-386", "f572eccdbb35ab5c7fef7703a5b6ca49e55d039e441920ba5478972ecdcf7a47"],
  ["linux-s390x", "ac50bf4adc8fa6db575ed9293417b6fbec746e71cc9d360aea5cd447e4207bfc"],
  ["linux-ppc64le", "a402bf73f91f674735cc85aa0e7d06d5dfa3044b98cda6ea9937cfee4e05a266"],
  ["linux-loong64", "fdce4b595b4b3a9f83d07ee310334b68a0723c799e969c9ab77f3105158fd64e"],
  ["darwin-amd64", "5bd8b59ca5bf93fab3da2c5843cf564cd6e2e291e22ae3b861746e7ebe259b95"],
  ["darwin-arm64", "e1c4e22d70bd44abfa0bcb3c16f7cf0c66f648c2e728c58924e8a1ce88913cc8"],
  ["windows-amd64", "2d0861dc2ca3567d17f7d19611d7b346cc2ccbd7086a0a77cc957a2c71663200"],
]);

const OPERATING_SYSTEMS: ReadonlyMap<string, string> = new Map([
  ["linux", "linux"],
  ["darwin", "darwin"],
  ["freebsd", "freebsd"],
  ["win32", "windows"],
]);

const ARCHITECTURES: ReadonlyMap<string, string> = new Map([
  ["x64", "amd64"],
  ["arm64", "arm64"],
  ["ia32", "386"],
  ["arm", "arm7"],
  ["s390x", "s390x"],
  ["ppc64", "ppc64le"],
  ["riscv64", "riscv64"],
  ["loong64", "loong64"],
]);

/** One downloadable build of nats-server. */
export type ReleaseAsset = {
  readonly version: string;
  /** Archive name, e.g. `nats-server-v2.15.0-linux-amd64.tar.gz`. */
  readonly fileName: string;
  readonly url: string;
  /** The release's list of checksums. */
  readonly sumsUrl: string;
  /** Path of the executable inside the archive, with `/`. */
  readonly executable: string;
  /** The recorded checksum, where there is one; it overrides the release's own list. */
  readonly sha256: string | undefined;
};

/** `<os>-<arch>` in the publisher's words for a Node platform and architecture, e.g. `linux-amd64`. */
export function platformKey(platform: string, arch: string): string | undefined {
  const os = OPERATING_SYSTEMS.get(platform);
  const cpu = ARCHITECTURES.get(arch);
  return os === undefined || cpu === undefined ? undefined : `${os}-${cpu}`;
}

/** The official build for a Node platform and architecture, or undefined where none is published. */
export function releaseAsset(
  platform: string,
  arch: string,
  releasesUrl: string = RELEASES_URL,
): ReleaseAsset | undefined {
  const key = platformKey(platform, arch);
  if (key === undefined) {
    return undefined;
  }
  const isWindows = platform === "win32";
  const stem = `nats-server-v${RELEASE_VERSION}-${key}`;
  const fileName = `${stem}${isWindows ? ".zip" : ".tar.gz"}`;
  const folderUrl = `${releasesUrl}/v${RELEASE_VERSION}`;
  return {
    version: RELEASE_VERSION,
    fileName,
    url: `${folderUrl}/${fileName}`,
    sumsUrl: `${folderUrl}/SHA256SUMS`,
    executable: `${stem}/${executableName(platform)}`,
    sha256: PINNED_SHA256.get(key),
  };
}

/** `nats-server`, or `nats-server.exe` on Windows. */
export function executableName(platform: string): string {
  return platform === "win32" ? "nats-server.exe" : "nats-server";
}

/** The sha256 of `fileName` in a `sha256sum` list (`<hex>  name` or `<hex> *name` per line), or undefined. */
export function parseSha256Sums(text: string, fileName: string): string | undefined {
  for (const line of text.split("\n")) {
    const match = /^([0-9a-f]{64})\s+\*?(?:\.\/)?(\S+)\s*$/i.exec(line);
    if (match?.[2] === fileName) {
      return match[1]?.toLowerCase();
    }
  }
  return undefined;
}
