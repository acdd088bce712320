import { closeSync, fsyncSync, openSync, renameSync, rmSync, writeSync } from "node:fs";
import { gzipSync } from "node:zlib";
import type { JetstreamSession } from "../jetstream/index.ts";
import { formatEnd, formatEntry, formatStart } from "./backup-line.ts";

/** Text that is compressed at once, in characters. */
const CHUNK_CHARS = 1_048_576;

/** Fast; values are small and much alike. */
const GZIP_LEVEL = 1;

export interface BackupSummary {
  readonly entries: number;
  /** Messages in the buckets that conat did not write, and that are left out. */
  readonly foreign: number;
}

/**
 * Writes everything that is stored on disk to a file, while others go on writing: the file has each bucket as it was at
 * one moment. It takes the place of an older file of that name only when it is complete.
 * @throws ConatError `unavailable`, `timeout`, or the file system's error
 */
export async function backUp(session: JetstreamSession, path: string): Promise<BackupSummary> {
  const partial = `${path}.partial`;
  const file = openSync(partial, "w", 0o600);
  try {
    let entries = 0;
    let text = `${formatStart(session.serverTime(), session.partitions ?? 1)}\n`;
    const flush = (): void => {
      writeSync(file, gzipSync(text, { level: GZIP_LEVEL }));
      text = "";
    };
    const foreign = await session.readEverything((stored) => {
      entries += 1;
      text += `${formatEntry(stored)}\n`;
      if (text.length >= CHUNK_CHARS) flush();
    });
    text += `${formatEnd(entries)}\n`;
    flush();
    fsyncSync(file);
    closeSync(file);
    renameSync(partial, path);
    return { entries, foreign };
  } catch (error) {
    rmSync(partial, { force: true });
    throw error;
  }
}
