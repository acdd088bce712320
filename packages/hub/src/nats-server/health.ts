import { get } from "node:http";

/** Over loopback an answer takes 1 ms; a server that recovers a large store is slower, not silent. */
const PROBE_TIMEOUT_MS = 5_000;

/**
 * What `/healthz` says: `healthy`, `unhealthy` (it answers, but is still recovering or has no
 * cluster leader), or `silent`.
 */
export type Health = "healthy" | "unhealthy" | "silent";

/** `full` includes every stream and, in a cluster, its leader; `local` only that JetStream is on. */
export type HealthScope = "full" | "local";

/** Asks a nats-server's monitor port how it is; never rejects. No answer in `timeoutMs` is silence. */
export function probeHealth(
  monitorUrl: string,
  scope: HealthScope,
  timeoutMs: number = PROBE_TIMEOUT_MS,
): Promise<Health> {
  const url = `${monitorUrl}/healthz${scope === "local" ? "?js-enabled-only=true" : ""}`;
  return new Promise((resolve) => {
    // A connection of its own each time: a kept one would end with the server and keep Node alive.
    const request = get(url, { agent: false, timeout: timeoutMs }, (response) => {
      response.resume();
      resolve(response.statusCode === 200 ? "healthy" : "unhealthy");
    });
    request.on("timeout", () => request.destroy());
    request.on("error", () => resolve("silent"));
    request.on("close", () => resolve("silent"));
  });
}
