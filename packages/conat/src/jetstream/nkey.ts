import { createUser } from "@nats-io/nkeys";

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
