import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { provideRedis } from "./redis.ts";

const FOLDER = join(import.meta.dirname, "../../peers");
const ROOT = join(import.meta.dirname, "../../..");
const STAMP = join(FOLDER, "node_modules/.conat-bench-peers");

export type Peer = "prsm" | "deepstream" | "socket.io-msgpack-parser";

/**
 * Installs the other systems that rows are compared with. What cannot be had is left out, and `log` says so.
 * @returns those that can be used.
 */
export async function providePeers(log: (line: string) => void): Promise<ReadonlySet<Peer>> {
  const peers = new Set<Peer>();
  try {
    await installPackages(log);
    peers.add("deepstream");
    peers.add("socket.io-msgpack-parser");
    await provideRedis(log);
    peers.add("prsm");
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    log(`not all peers can be compared with: ${why}`);
  }
  return peers;
}

/** They have a lockfile of their own, so that nobody has to install them who does not run the bench. */
async function installPackages(log: (line: string) => void): Promise<void> {
  const wanted = fingerprint();
  if (existsSync(STAMP) && readFileSync(STAMP, "utf8") === wanted) return;
  log("installing the peers that conat is compared with");
  const { packageManager } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8"));
  const pnpm = ["exec", "--yes", `--package=${packageManager}`, "--", "pnpm"];
  await promisify(execFile)("npm", [...pnpm, "install", "--frozen-lockfile"], {
    cwd: FOLDER,
    env: { ...process.env, CI: "true" },
  });
  writeFileSync(STAMP, wanted);
}

function fingerprint(): string {
  const hash = createHash("sha256").update(FOLDER);
  for (const file of ["package.json", "pnpm-lock.yaml", "pnpm-workspace.yaml"]) {
    hash.update(readFileSync(join(FOLDER, file)));
  }
  return hash.digest("hex");
}
