import { runCommand } from "./run-command.ts";
import { parseVersionOutput } from "./version.ts";

/** Where a binary came from. */
export type BinarySource = "environment" | "path" | "cache" | "release" | "apt";

/** A nats-server that runs on this machine and is new enough. */
export type NatsServerBinary = {
  /** Absolute path, or a name found through PATH. */
  readonly path: string;
  readonly version: string;
  readonly source: BinarySource;
};

/** Printing a version takes 10 ms; seconds mean that it is not a nats-server. */
const VERSION_TIMEOUT_MS = 5_000;

/** The version an executable reports, or undefined when it does not run here or is not a nats-server. */
export async function readBinaryVersion(path: string): Promise<string | undefined> {
  try {
    const { stdout } = await runCommand(path, ["--version"], { timeoutMs: VERSION_TIMEOUT_MS });
    return parseVersionOutput(stdout);
  } catch {
    // Missing, not executable, built for another machine or needing a newer libc: all "not usable".
    return undefined;
  }
}
