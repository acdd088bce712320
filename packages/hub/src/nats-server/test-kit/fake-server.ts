import { chmod, mkdir, writeFile } from "node:fs/promises";
import { dirname } from "node:path";

/** Puts a program at `path` that only knows how to print the version of a nats-server. */
export async function writeFakeServer(path: string, version: string): Promise<string> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, `#!/bin/sh\necho "nats-server: v${version}"\n`);
  await chmod(path, 0o755);
  return path;
}
