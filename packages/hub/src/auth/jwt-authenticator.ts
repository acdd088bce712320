import { ConatError } from "@conat/conat/internal";
import { createRemoteJWKSet, errors, type JWTPayload, type JWTVerifyGetKey, jwtVerify } from "jose";
import { isLoopbackHost } from "../gateway/origin-check.ts";
import type { Authenticator, HandshakeRequest } from "./authenticator.ts";
import { CLOCK_TOLERANCE_MS, DEFAULT_MAX_TOKEN_LIFETIME_MS, type Grant, toGrant } from "./grant.ts";
import { findToken } from "./token-source.ts";

/** What a shared secret must at least have for HS256 (RFC 7518, section 3.2), in bytes. */
export const MIN_SECRET_BYTES = 32;

/** Keys that are older are fetched again; so are keys when a token names one that is not known, but not more often. */
const KEYS_MAX_AGE_MS = 600_000;
const KEYS_COOLDOWN_MS = 10_000;
const KEYS_TIMEOUT_MS = 5_000;

const ASYMMETRIC = [
  "EdDSA",
  "Ed25519",
  "ES256",
  "ES384",
  "ES512",
  "PS256",
  "PS384",
  "PS512",
  "RS256",
  "RS384",
  "RS512",
];

export interface JwtOptions {
  /** Secret shared with whoever issues tokens, for HS256; at least 32 bytes. */
  readonly secret?: string | undefined;
  /** Where the issuer publishes its public keys; they are cached, and fetched again when it uses a new one. */
  readonly jwksUrl?: string | undefined;
  /** What the claim `iss` must be. @default anything */
  readonly issuer?: string | undefined;
  /** What the claim `aud` must name. @default anything */
  readonly audience?: string | undefined;
  /** Cookie that holds the token where the handshake has none. @default none */
  readonly cookie?: string | undefined;
  /** How long a key that is not known is not asked for again, in milliseconds. @default 10_000 */
  readonly keysCooldownMs?: number | undefined;
  /** A token that is valid for longer is refused, in milliseconds. @default 14 days */
  readonly maxLifetimeMs?: number | undefined;
}

/** Believes signed tokens. */
export class JwtAuthenticator implements Authenticator {
  readonly #options: JwtOptions;
  readonly #maxLifetimeMs: number;
  readonly #secret: Uint8Array | undefined;
  readonly #keys: JWTVerifyGetKey | undefined;

  /** @throws ConatError `bad-options` */
  constructor(options: JwtOptions) {
    const { secret, jwksUrl } = options;
    if (secret === undefined && jwksUrl === undefined) {
      throw new ConatError("bad-options", "tokens need a secret or a JWKS URL to be checked with");
    }
    this.#options = options;
    this.#maxLifetimeMs = options.maxLifetimeMs ?? DEFAULT_MAX_TOKEN_LIFETIME_MS;
    this.#secret = secret === undefined ? undefined : parseSecret(secret);
    this.#keys =
      jwksUrl === undefined
        ? undefined
        : openKeys(jwksUrl, options.keysCooldownMs ?? KEYS_COOLDOWN_MS);
  }

  /** @throws ConatError `unauthenticated`, or `unavailable` when the keys cannot be had now */
  async authenticate(request: HandshakeRequest): Promise<Grant> {
    const presented = findToken(request, this.#options.cookie);
    if (presented === undefined) {
      const { cookie } = this.#options;
      const orCookie =
        cookie === undefined ? "" : `, or sign in so that there is a cookie "${cookie}"`;
      throw new ConatError(
        "unauthenticated",
        `there is no token: pass one to connect()${orCookie}`,
      );
    }
    const payload = await this.#verify(presented.token);
    this.#checkLifetime(payload);
    return toGrant(payload, presented.renewal);
  }

  async #verify(token: string): Promise<JWTPayload> {
    const { issuer, audience } = this.#options;
    const checks = {
      clockTolerance: CLOCK_TOLERANCE_MS / 1_000,
      requiredClaims: ["exp"],
      ...(issuer === undefined ? {} : { issuer }),
      ...(audience === undefined ? {} : { audience }),
    };
    try {
      // The algorithm decides which key may be meant; a public key never serves as a shared secret.
      if (this.#keys === undefined || (this.#secret && algorithmOf(token) === "HS256")) {
        const secret = this.#secret ?? new Uint8Array();
        return (await jwtVerify(token, secret, { ...checks, algorithms: ["HS256"] })).payload;
      }
      return (await jwtVerify(token, this.#keys, { ...checks, algorithms: ASYMMETRIC })).payload;
    } catch (error) {
      throw toAuthError(error);
    }
  }

  /** A revocation is remembered for so long; a token that outlived it would be valid again. */
  #checkLifetime({ exp = 0 }: JWTPayload): void {
    if (exp * 1_000 - Date.now() <= this.#maxLifetimeMs) return;
    const hours = Math.floor(this.#maxLifetimeMs / 3_600_000);
    throw new ConatError(
      "unauthenticated",
      `the token is valid for more than ${hours} hours, which this hub does not accept`,
    );
  }
}

function parseSecret(secret: string): Uint8Array {
  const bytes = new TextEncoder().encode(secret);
  if (bytes.length >= MIN_SECRET_BYTES) return bytes;
  throw new ConatError(
    "bad-options",
    `the secret for tokens has ${bytes.length} bytes; it needs ${MIN_SECRET_BYTES} so that nobody guesses it`,
  );
}

function openKeys(address: string, cooldownMs: number): JWTVerifyGetKey {
  const url = URL.canParse(address) ? new URL(address) : undefined;
  const isSafe =
    url?.protocol === "https:" || (url?.protocol === "http:" && isLoopbackHost(url.hostname));
  if (url === undefined || !isSafe) {
    throw new ConatError(
      "bad-options",
      `the keys must come by https, not from ${JSON.stringify(address)}`,
    );
  }
  return createRemoteJWKSet(url, {
    cacheMaxAge: KEYS_MAX_AGE_MS,
    cooldownDuration: cooldownMs,
    timeoutDuration: KEYS_TIMEOUT_MS,
  });
}

function algorithmOf(token: string): unknown {
  const [head = ""] = token.split(".", 1);
  try {
    const parsed: unknown = JSON.parse(Buffer.from(head, "base64url").toString());
    return Reflect.get(Object(parsed), "alg");
  } catch {
    return undefined;
  }
}

/** Why a token is not believed. The token itself is in no message. */
function toAuthError(cause: unknown): ConatError {
  if (cause instanceof errors.JWTExpired) {
    return new ConatError("unauthenticated", "the token has expired: show a new one");
  }
  if (cause instanceof errors.JWTClaimValidationFailed) {
    return new ConatError(
      "unauthenticated",
      `the token's claim "${cause.claim}" is not as this hub wants it`,
    );
  }
  if (
    cause instanceof errors.JWSSignatureVerificationFailed ||
    cause instanceof errors.JOSEAlgNotAllowed ||
    cause instanceof errors.JWKSNoMatchingKey ||
    cause instanceof errors.JWKSMultipleMatchingKeys
  ) {
    return new ConatError("unauthenticated", "the token was not signed by whom this hub trusts");
  }
  if (
    cause instanceof errors.JWTInvalid ||
    cause instanceof errors.JWSInvalid ||
    cause instanceof errors.JOSENotSupported
  ) {
    return new ConatError("unauthenticated", "this is not a token that this hub can read");
  }
  return new ConatError(
    "unavailable",
    "the keys that tokens are checked with cannot be had now: try again",
  );
}
