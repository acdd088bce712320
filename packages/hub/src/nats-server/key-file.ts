import { readFile, rename, writeFile } from "node:fs/promises";
import { NatsServerError } from "./errors.ts";

/**
 * The keys kept in `file`, made on the first call, for this user's eyes only.
 * @param create the text of new keys
 * @param parse throws when the text holds no keys
 * @throws {NatsServerError} `folder-unusable` when the file holds something else; a system error when it cannot be read
 */
export async function loadKeyFile<Keys>(
  file: string,
  create: () => string,
  parse: (text: string) => Keys,
): Promise<Keys> {
  const kept = await readIfThere(file);
  if (kept !== undefined) return parseKept(file, kept, parse);
  const text = create();
  // In one step: half a key, as a full disk leaves behind, would be no key the next time either.
  const temporary = `${file}.${process.pid}.tmp`;
  await writeFile(temporary, text, { mode: 0o600 });
  await rename(temporary, file);
  return parse(text);
}

async function readIfThere(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, "utf8");
  } catch (error) {
    // Keys that are there and cannot be read now must not be replaced: others have been given them.
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    throw error;
  }
}

function parseKept<Keys>(file: string, text: string, parse: (text: string) => Keys): Keys {
  try {
    return parse(text);
  } catch {
    // The cause stays here: it could quote a secret.
    throw new NatsServerError(
      "folder-unusable",
      `${file} does not hold a key: remove the file, and a new one is made.`,
    );
  }
}
