import { readFile, rename, writeFile } from "node:fs/promises";
import { createUser, fromSeed } from "@nats-io/nkeys";
import { NatsServerError } from "./errors.ts";

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
 * @throws {NatsServerError} `folder-unusable` when the file holds something else
 */
export async function loadUserKey(file: string): Promise<UserKey> {
  const kept = await readFile(file, "utf8").catch(() => undefined);
  if (kept !== undefined) {
    return readKept(kept.trim(), file);
  }
  const seed = new TextDecoder().decode(createUser().getSeed());
  // In one step: half a key, as a full disk leaves behind, would be no key the next time either.
  const temporary = `${file}.${process.pid}.tmp`;
  await writeFile(temporary, `${seed}\n`, { mode: 0o600 });
  await rename(temporary, file);
  return toUserKey(seed);
}

function readKept(seed: string, file: string): UserKey {
  try {
    return toUserKey(seed);
  } catch (cause) {
    throw new NatsServerError(
      "folder-unusable",
      `${file} does not hold a key: remove the file, and a new one is made.`,
      { cause },
    );
  }
}

/**
 * The key pair that a seed stands for.
 * @throws when it is not the seed of a user nkey.
 */
export function toUserKey(seed: string): UserKey {
  return { seed, publicKey: fromSeed(new TextEncoder().encode(seed)).getPublicKey() };
}
