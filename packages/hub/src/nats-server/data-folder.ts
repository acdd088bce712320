import { mkdir, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { NatsServerError } from "./errors.ts";

/** The folder holds everything that the stores hold: it is nobody else's to read. */
const MODE = 0o700;

/**
 * Makes a folder and those above it. Not with `recursive`: Node then tries for ever where a file system allows no
 * folder and says that it is missing, as /proc does.
 * @throws a system error
 */
export async function makeDataFolder(path: string): Promise<void> {
  try {
    await mkdir(path, { mode: MODE });
  } catch (error) {
    if (await isFolder(path)) return;
    const parent = dirname(path);
    if (codeOf(error) !== "ENOENT" || parent === path || (await isFolder(parent))) throw error;
    await makeDataFolder(parent);
    await makeDataFolder(path);
  }
}

/** What the system says about a data folder, as one sentence that says what to do; other errors as they are. */
export function explainFolderError(error: unknown, dataDir: string): unknown {
  if (codeOf(error) === undefined) return error;
  const why = error instanceof Error ? error.message : String(error);
  return new NatsServerError(
    "folder-unusable",
    `The folder ${dataDir} cannot hold the data (${why}): make it writable, or choose another data folder.`,
    { cause: error },
  );
}

function codeOf(error: unknown): string | undefined {
  const isSystemError = error instanceof Error && "code" in error && "syscall" in error;
  return isSystemError && typeof error.code === "string" ? error.code : undefined;
}

async function isFolder(path: string): Promise<boolean> {
  return stat(path).then(
    (info) => info.isDirectory(),
    () => false,
  );
}
