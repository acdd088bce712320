import { createAccount, createUser, fromSeed } from "@nats-io/nkeys";
import * as v from "valibot";
import { loadKeyFile } from "./key-file.ts";

/** What a hub needs to let projects' own backends in through NATS. Secrets. */
export type BackendKeys = {
  /** Seed (`SU…`) of the user that hubs are in the backends' account. */
  readonly gate: string;
  /** Seed (`SA…`) of the account key that they sign with whom they let in. */
  readonly issuer: string;
};

const fileSchema = v.object({
  gate: v.pipe(v.string(), v.startsWith("SU"), v.check(isSeed)),
  issuer: v.pipe(v.string(), v.startsWith("SA"), v.check(isSeed)),
});

export function createBackendKeys(): BackendKeys {
  const text = new TextDecoder();
  return {
    gate: text.decode(createUser().getSeed()),
    issuer: text.decode(createAccount().getSeed()),
  };
}

/** The public key (`U…`, `A…`) of a seed. @throws when it is none */
export function publicKeyOf(seed: string): string {
  return fromSeed(new TextEncoder().encode(seed)).getPublicKey();
}

/** @throws Error when the text is not what {@link formatBackendKeys} writes */
export function parseBackendKeys(text: string): BackendKeys {
  return v.parse(fileSchema, JSON.parse(text));
}

export function formatBackendKeys(keys: BackendKeys): string {
  return `${JSON.stringify(keys)}\n`;
}

/**
 * The keys kept in `file`, made on the first call.
 * @throws {NatsServerError} `folder-unusable` when the file holds something else
 */
export function loadBackendKeys(file: string): Promise<BackendKeys> {
  return loadKeyFile(file, () => formatBackendKeys(createBackendKeys()), parseBackendKeys);
}

function isSeed(seed: string): boolean {
  try {
    publicKeyOf(seed);
    return true;
  } catch {
    return false;
  }
}
