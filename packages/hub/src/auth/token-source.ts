import type { HandshakeRequest } from "./authenticator.ts";
import type { Grant } from "./grant.ts";

export interface PresentedToken {
  readonly token: string;
  readonly renewal: Grant["renewal"];
}

/** The token that a client presents: in its handshake, else in the cookie of that name. */
export function findToken(
  { hello, headers }: HandshakeRequest,
  cookieName: string | undefined,
): PresentedToken | undefined {
  if (hello.token !== undefined) return { token: hello.token, renewal: "token" };
  if (cookieName === undefined) return undefined;
  const header = headers.cookie;
  const token = typeof header === "string" ? readCookie(header, cookieName) : undefined;
  return token === undefined ? undefined : { token, renewal: "reconnect" };
}

/** The value of one cookie in a `Cookie` header (RFC 6265, section 4.2). */
export function readCookie(header: string, name: string): string | undefined {
  for (const pair of header.split(";")) {
    const at = pair.indexOf("=");
    if (at < 0 || pair.slice(0, at).trim() !== name) continue;
    return pair
      .slice(at + 1)
      .trim()
      .replace(/^"(.*)"$/, "$1");
  }
  return undefined;
}
