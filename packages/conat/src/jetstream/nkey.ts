import { createUser, fromSeed } from "@nats-io/nkeys";
import { ConatError } from "../protocol/conat-error.ts";

/** An identity for a server that knows its public key. */
export interface Nkey {
  /** What the server's configuration names as `nkey`. */
  readonly publicKey: string;
  /** What a session signs in with. A secret. */
  readonly seed: Uint8Array;
}

/** A new random identity. */
export function createNkey(): Nkey {
  const pair = createUser();
  return { publicKey: pair.getPublicKey(), seed: pair.getSeed() };
}

/** @throws ConatError `bad-options`, which does not tell what was given */
export function checkSeed(seed: Uint8Array): Uint8Array {
  try {
    if (fromSeed(seed).getPublicKey().startsWith("U")) return seed;
  } catch {
    // As good as the seed of something else.
  }
  throw new ConatError("bad-options", "the nkey is no seed (SU…) of a user");
}
