import { ConatError } from "../protocol/conat-error.ts";

/** Direct multi-get and TTL per message came with 2.11, atomic batches with 2.12; older servers ignore them silently. */
export const MIN_SERVER_VERSION = "2.12.0";

/** JetStream API level of {@link MIN_SERVER_VERSION}. The level is the leader's or, later, one server's; the version is one server's. */
export const MIN_API_LEVEL = 2;

/** @throws ConatError `server-too-old` naming both versions, when the server cannot keep our promises. */
export function checkServer(version: string, apiLevel: number): void {
  if (isAtLeast(version, MIN_SERVER_VERSION) && apiLevel >= MIN_API_LEVEL) return;
  throw new ConatError(
    "server-too-old",
    `nats-server is ${version} with JetStream API level ${apiLevel}; ` +
      `conat needs ${MIN_SERVER_VERSION} with level ${MIN_API_LEVEL} or newer. Upgrade nats-server.`,
  );
}

function isAtLeast(version: string, minimum: string): boolean {
  const have = numbers(version);
  for (const [at, need] of numbers(minimum).entries()) {
    const number = have[at] ?? 0;
    if (number !== need) return number > need;
  }
  return true;
}

/** `2.12.1-RC.3` → [2, 12, 1] */
function numbers(version: string): number[] {
  return version
    .replace(/[-+].*$/, "")
    .split(".")
    .map((part) => Number.parseInt(part, 10) || 0);
}
