import { InvalidArgumentError } from "commander";

const UNIT_MS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

/** A duration such as `90s`, `1.5h` or `30d` in milliseconds; a bare number is seconds. */
export function parseDurationMs(text: string): number {
  const [, amount, unit] = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)?$/.exec(text) ?? [];
  const durationMs = Math.round(Number(amount) * (UNIT_MS[unit ?? "s"] ?? Number.NaN));
  if (Number.isSafeInteger(durationMs) && durationMs > 0) return durationMs;
  throw new InvalidArgumentError("Write a duration such as 90s, 15m, 1.5h or 30d.");
}

export function parseSequence(text: string): number {
  const seq = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (Number.isSafeInteger(seq)) return seq;
  throw new InvalidArgumentError("Write a sequence number; 0 means that the key must not exist.");
}

/** Ids with commas between them. */
export function parseIds(text: string): string[] {
  const ids = text.split(",").map((id) => id.trim());
  if (ids.every((id) => id !== "")) return ids;
  throw new InvalidArgumentError("Write ids with commas between them.");
}
