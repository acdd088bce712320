/**
 * The oldest nats-server that works: atomic batches came with 2.12, and older servers do not
 * refuse what they do not know, they silently ignore it.
 */
export const MIN_NATS_SERVER_VERSION = "2.12.0";

const VERSION_PATTERN = /^v?(\d+)\.(\d+)\.(\d+)(?:-([0-9A-Za-z.-]+))?$/;

/** The version in what `nats-server --version` prints, e.g. `2.15.1`, or undefined. */
export function parseVersionOutput(output: string): string | undefined {
  const word = /nats-server:?\s+v?(\S+)/.exec(output)?.[1];
  return word !== undefined && VERSION_PATTERN.test(word) ? word : undefined;
}

/** Negative when `a` is older than `b`, zero when equal, positive when newer; a release candidate is older than its release. */
export function compareVersions(a: string, b: string): number {
  const left = splitVersion(a);
  const right = splitVersion(b);
  for (const [index, number] of left.numbers.entries()) {
    const difference = number - (right.numbers[index] ?? 0);
    if (difference !== 0) {
      return difference;
    }
  }
  if (left.prerelease === right.prerelease) {
    return 0;
  }
  if (left.prerelease === "" || right.prerelease === "") {
    return left.prerelease === "" ? 1 : -1;
  }
  return left.prerelease.localeCompare(right.prerelease, "en", { numeric: true });
}

/** Whether a server of this version can hold the stores. */
export function isSupportedVersion(version: string): boolean {
  return compareVersions(version, MIN_NATS_SERVER_VERSION) >= 0;
}

function splitVersion(version: string): { numbers: number[]; prerelease: string } {
  const match = VERSION_PATTERN.exec(version);
  if (match === null) {
    throw new RangeError(`"${version}" is not a version; expected something like 2.15.1`);
  }
  const [, major, minor, patch, prerelease] = match;
  return { numbers: [Number(major), Number(minor), Number(patch)], prerelease: prerelease ?? "" };
}
