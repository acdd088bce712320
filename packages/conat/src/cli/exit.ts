import { CommanderError } from "commander";
import { type ConatError, toConatError } from "../protocol/conat-error.ts";

/** Exit codes of the command; its help lists them. */
export const EXIT = { ok: 0, failed: 1, usage: 2, notFound: 3 } as const;

/** Ends the command with one sentence and an exit code of its own. */
export class CommandFailure extends Error {
  override readonly name = "CommandFailure";
  readonly exitCode: number;

  constructor(exitCode: number, message: string) {
    super(message);
    this.exitCode = exitCode;
  }
}

/** What the command was told makes no sense. */
export function usageError(message: string): CommandFailure {
  return new CommandFailure(EXIT.usage, message);
}

/** What was asked for is not there. */
export function notFound(message: string): CommandFailure {
  return new CommandFailure(EXIT.notFound, message);
}

/** The exit code for whatever was thrown, and what is still to be said about it; "" when it has been said. */
export function explain(error: unknown): { readonly exitCode: number; readonly message: string } {
  if (error instanceof CommandFailure) return error;
  if (error instanceof CommanderError) {
    return { exitCode: error.exitCode === 0 ? EXIT.ok : EXIT.usage, message: "" };
  }
  const known = toConatError(error);
  return { exitCode: isUsage(known) ? EXIT.usage : EXIT.failed, message: known.message };
}

function isUsage({ kind }: ConatError): boolean {
  return kind === "bad-address" || kind === "bad-options" || kind === "bad-name";
}
