import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createNkey } from "@conat/conat/jetstream";
import {
  createBackendKeys,
  formatAccounts,
  formatBackendKeys,
  publicKeyOf,
} from "../nats-server/index.ts";

const CONFIG_FILE = "nats-accounts.conf";
const HUB_FILE = "hub.nk";
const BACKENDS_FILE = "backends.nk";

/**
 * Writes into `folder` what a nats-server has to be told to keep projects' own backends away from the data, and the
 * keys that hubs show it. Returns what to do with them. Files that are there already are kept.
 * @throws Error when one is there
 */
export async function makeNatsAccounts(folder: string): Promise<string> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const hub = createNkey();
  const keys = createBackendKeys();
  const config = formatAccounts({
    hub: hub.publicKey,
    gate: publicKeyOf(keys.gate),
    issuer: publicKeyOf(keys.issuer),
  });
  const write = (name: string, text: string, mode: number): Promise<void> =>
    writeFile(join(folder, name), text, { mode, flag: "wx" });
  await write(HUB_FILE, `${new TextDecoder().decode(hub.seed)}\n`, 0o600);
  await write(BACKENDS_FILE, formatBackendKeys(keys), 0o600);
  await write(CONFIG_FILE, `${config.join("\n")}\n`, 0o644);
  return [
    `conat: ${join(folder, CONFIG_FILE)} is for nats-server: include it instead of another "authorization".`,
    `Hubs get --nats-nkey ${join(folder, HUB_FILE)} --nats-backend-keys ${join(folder, BACKENDS_FILE)}`,
    "Who has one of these two files may read and write everything.",
  ].join("\n");
}
