import { SignJWT } from "jose";

/** What hubs and issuers of tests share. */
export const TEST_SECRET = "a secret of tests, of more than 32 bytes";
const key = new TextEncoder().encode(TEST_SECRET);

/** A signed token with these claims, good for so long, in milliseconds. */
export function signToken(claims: Record<string, unknown>, lifeMs = 3_600_000): Promise<string> {
  const now = Date.now() / 1_000;
  // Issued well before, so that no clock tolerance makes a revocation of this test miss or hit it by chance.
  return new SignJWT({ iat: now - 60, exp: now + lifeMs / 1_000, ...claims })
    .setProtectedHeader({ alg: "HS256" })
    .sign(key);
}
