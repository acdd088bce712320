import { readFileSync } from "node:fs";
import { type BackendKeys, parseBackendKeys } from "./nats-server/index.ts";

/** Readers of option values. Each throws an Error whose message says what it wanted. */

/** `500`, `500ms`, `10s`, `5m` or `24h` as milliseconds. */
export function parseDuration(text: string): number {
  const match = /^(\d+)(ms|s|m|h)?$/.exec(text);
  const unit = MILLISECONDS[match?.[2] ?? "ms"];
  const value = Number(match?.[1]) * (unit ?? Number.NaN);
  // A timer with a longer delay fires at once.
  if (Number.isSafeInteger(value) && value <= MAX_TIMER_MS) return value;
  throw new Error("a duration such as 500ms, 10s, 5m or 24h, at most 24 days");
}

const MAX_TIMER_MS = 2_147_483_647;
const MILLISECONDS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };

/** `4096`, `512kB`, `64MiB` or `1GiB` as bytes. */
export function parseBytes(text: string): number {
  const match = /^(\d+)(B|kB|KiB|MB|MiB|GB|GiB)?$/.exec(text);
  const value = Number(match?.[1]) * (BYTES[match?.[2] ?? "B"] ?? Number.NaN);
  if (Number.isSafeInteger(value)) return value;
  throw new Error("a size such as 4096, 512kB, 64MiB or 1GiB");
}

const BYTES: Readonly<Record<string, number>> = {
  B: 1,
  kB: 1_000,
  KiB: 1_024,
  MB: 1_000_000,
  MiB: 1_048_576,
  GB: 1_000_000_000,
  GiB: 1_073_741_824,
};

export function parseWhole(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
    if (value >= min && value <= max) return value;
    throw new Error(`a whole number from ${min} to ${max}`);
  };
}

export function parseOneOf<const Choice extends string>(
  choices: readonly Choice[],
): (text: string) => Choice {
  return (text) => {
    const choice = choices.find((one) => one === text);
    if (choice !== undefined) return choice;
    throw new Error(`one of ${choices.join(", ")}`);
  };
}

export function parseText(text: string): string {
  if (text !== "") return text;
  throw new Error("some text");
}

/** `a,b` as two; blanks around them do not count. */
export function parseList(text: string): readonly string[] {
  return text
    .split(",")
    .map((part) => part.trim())
    .filter((part) => part !== "");
}

/** What a file holds that names the seed of a user nkey. */
export function parseNkeyFile(path: string): string {
  try {
    const seed = readFileSync(path, "utf8").trim();
    if (/^SU[A-Z2-7]+$/.test(seed)) return seed;
  } catch {
    // As good as a file with something else.
  }
  throw new Error("a readable file with the seed (SU…) of a user nkey");
}

export function parseSwitch(text: string): boolean {
  if (["1", "true", "yes", "on"].includes(text)) return true;
  if (["", "0", "false", "no", "off"].includes(text)) return false;
  throw new Error("true or false");
}

/** A file that `--make-nats-accounts` has written. */
export function parseBackendKeysFile(path: string): BackendKeys {
  try {
    return parseBackendKeys(readFileSync(path, "utf8"));
  } catch {
    // The reason could quote the file.
    throw new Error("a file that --make-nats-accounts has written");
  }
}
