/**
 * The address of a client behind `trustedProxies` proxies, each of which has added to `X-Forwarded-For` the peer that
 * it saw. What comes before those was written by whoever wanted to.
 */
export function clientAddress(
  peer: string,
  forwardedFor: string | readonly string[] | undefined,
  trustedProxies: number,
): string {
  if (trustedProxies === 0 || forwardedFor === undefined) return peer;
  const header = typeof forwardedFor === "string" ? forwardedFor : forwardedFor.join(",");
  const seen = header.split(",").map((one) => one.trim());
  return seen.at(-trustedProxies) || peer;
}
