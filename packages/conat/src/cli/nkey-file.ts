import { readFileSync } from "node:fs";
import { usageError } from "./exit.ts";

/** What the file of `--nkey` holds. @throws CommandFailure when it cannot be read */
export function readSeed(file: string): Uint8Array {
  try {
    return new TextEncoder().encode(readFileSync(file, "utf8").trim());
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw usageError(`the key cannot be read: ${why}`);
  }
}
