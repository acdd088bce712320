import type { IncomingHttpHeaders } from "node:http";

/** Allows pages of this machine, whatever port serves them. */
export const LOOPBACK_ORIGINS = "loopback";

/**
 * Whether a connection with these headers may be opened. Browsers say which page it is for, and without this check any
 * page in the world could use the hub of a visitor's machine. Programs that are no browsers say nothing.
 * @param allowed origins such as `https://app.example.com`, `"loopback"`, or `"*"` for every page. Pages that the hub
 * itself serves are always allowed.
 */
export function isOriginAllowed(headers: IncomingHttpHeaders, allowed: readonly string[]): boolean {
  const { origin, host } = headers;
  if (origin === undefined || allowed.includes("*")) return true;
  const url = URL.canParse(origin) ? new URL(origin) : undefined;
  if (url === undefined) return false;
  if (allowed.includes(url.origin)) return true;
  if (isLoopbackHost(url.hostname)) return allowed.includes(LOOPBACK_ORIGINS);
  // Where only pages of this machine are wanted, a name that an attacker lets point here must not pass as our own.
  return !allowed.includes(LOOPBACK_ORIGINS) && url.host === host;
}

/** Whether a host name or address can only mean this machine. */
export function isLoopbackHost(host: string): boolean {
  return (
    host === "localhost" ||
    host.endsWith(".localhost") ||
    host === "::1" ||
    host === "[::1]" ||
    /^127(?:\.\d{1,3}){3}$/.test(host)
  );
}
