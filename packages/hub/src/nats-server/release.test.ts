import { describe, expect, it } from "vitest";
import { parseSha256Sums, RELEASE_VERSION, releaseAsset } from "./release.ts";
import { isSupportedVersion } from "./version.ts";

const FOLDER = `https://github.com/nats-io/nats-server/releases/download/v${RELEASE_VERSION}`;

describe("releaseAsset", () => {
  it("pins a version that is new enough", () => {
    expect(isSupportedVersion(RELEASE_VERSION)).toBe(true);
  });

  it.each([
    ["linux", "x64", "linux-amd64.tar.gz", "nats-server"],
    ["linux", "arm64", "linux-arm64.tar.gz", "nats-server"],
    ["linux", "arm", "linux-arm7.tar.gz", "nats-server"],
    ["darwin", "arm64", "darwin-arm64.tar.gz", "nats-server"],
    ["darwin", "x64", "darwin-amd64.tar.gz", "nats-server"],
    ["win32", "x64", "windows-amd64.zip", "nats-server.exe"],
  ])("%s %s is …%s, with a recorded checksum", (platform, arch, ending, executable) => {
    const asset = releaseAsset(platform, arch);
    const stem = `nats-server-v${RELEASE_VERSION}-${ending.replace(/\.(tar\.gz|zip)$/, "")}`;
    expect(asset).toMatchObject({
      fileName: `nats-server-v${RELEASE_VERSION}-${ending}`,
      url: `${FOLDER}/nats-server-v${RELEASE_VERSION}-${ending}`,
      sumsUrl: `${FOLDER}/SHA256SUMS`,
      executable: `${stem}/${executable}`,
    });
    expect(asset?.sha256).toMatch(/^[0-9a-f]{64}$/);
  });

  it("leaves a build without a recorded checksum to the release's own list", () => {
    expect(releaseAsset("freebsd", "x64")).toMatchObject({ sha256: undefined });
  });

  it.each([
    ["aix", "ppc64"],
    ["linux", "mips"],
  ])("has none for %s %s", (platform, arch) => {
    expect(releaseAsset(platform, arch)).toBeUndefined();
  });
});

describe("parseSha256Sums", () => {
  const a = "a".repeat(64);
  const b = "B".repeat(64);
  const list = `${a}  one.tar.gz\n${b} *two.zip\n${a}  ./three.zip\r\nnot a line\n`;

  it.each([
    ["one.tar.gz", a],
    ["two.zip", b.toLowerCase()],
    ["three.zip", a],
    ["one.tar", undefined],
    ["a", undefined],
  ])("finds %s", (fileName, expected) => {
    expect(parseSha256Sums(list, fileName)).toBe(expected);
  });
});
