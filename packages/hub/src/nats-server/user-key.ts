import { readFile, writeFile } from "node:fs/promises";
import { createUser, fromSeed } from "@nats-io/nkeys";

/** The key of the one user that may connect. */
export type UserKey = {
  /** `SU…`, secret. */
  readonly seed: string;
  /** `U…` */
  readonly publicKey: string;
};

/**
 * The key kept in `file`, made on the first call. Keeping it lets a backend or a command-line
 * client that was given the file connect again after the hub was restarted.
 */
export async function loadUserKey(file: string): Promise<UserKey> {
  const kept = await readFile(file, "utf8").catch(() => undefined);
  if (kept !== undefined) {
    return toUserKey(kept.trim());
  }
  const seed = new TextDecoder().decode(createUser().getSeed());
  await writeFile(file, `${seed}\n`, { mode: 0o600 });
  return toUserKey(seed);
}

/**
 * The key pair that a seed stands for.
 * @throws when it is not the seed of a user nkey.
 */
export function toUserKey(seed: string): UserKey {
  return { seed, publicKey: fromSeed(new TextEncoder().encode(seed)).getPublicKey() };
}
