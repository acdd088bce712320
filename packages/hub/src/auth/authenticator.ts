import type { Hello } from "@conat/conat/internal";
import type { Identity } from "../scope/identity.ts";
import type { Grant } from "./grant.ts";

/** What a client presents when it connects. Headers are as Node has them: lower-case names. */
export interface HandshakeRequest {
  readonly hello: Hello;
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  /** The peer's network address. */
  readonly address: string;
}

/** Finds out who is connecting, and again whenever a client shows a new token over the same connection. */
export interface Authenticator {
  /** @throws ConatError `unauthenticated`, with what is missing, or `unavailable` when it cannot tell now. */
  authenticate(request: HandshakeRequest): Promise<Grant | Identity>;
}
