import { createUser, fromSeed } from "@nats-io/nkeys";
import { loadKeyFile } from "./key-file.ts";

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
export function loadUserKey(file: string): Promise<UserKey> {
  return loadKeyFile(file, createSeed, (text) => toUserKey(text.trim()));
}

function createSeed(): string {
  return `${new TextDecoder().decode(createUser().getSeed())}\n`;
}

/**
 * The key pair that a seed stands for.
 * @throws when it is not the seed of a user nkey.
 */
export function toUserKey(seed: string): UserKey {
  return { seed, publicKey: fromSeed(new TextEncoder().encode(seed)).getPublicKey() };
}
