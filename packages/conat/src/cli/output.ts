import type { Entry } from "../protocol/entry.ts";
import { decodeValue } from "../protocol/value-codec.ts";
import { toJsonText } from "./json-text.ts";

/** Prints one line of JSON. */
export function printJson(value: unknown): void {
  process.stdout.write(`${toJsonText(value)}\n`);
}

/** Says something to the person at the terminal, beside what programs read. */
export function say(message: string): void {
  process.stderr.write(`conat: ${message}\n`);
}

/** Server time as people and programs read it. */
export function toTimeText(timeMs: number): string {
  return new Date(timeMs).toISOString();
}

/** Everything about an entry that has a value. */
export function describeEntry(entry: Omit<Entry, "kind">): object {
  const { key, seq, time, ttlMs, headers } = entry;
  return {
    key,
    ...describeValue(() => decodeValue(entry.buffer, entry.start, entry.end)),
    seq,
    time: toTimeText(time),
    ...(ttlMs > 0 ? { ttlMs } : {}),
    ...(headers === undefined ? {} : { headers }),
  };
}

/** The value; or why there is none, where somebody else stored what is no encoded value. */
export function describeValue(read: () => unknown): object {
  try {
    return { value: read() };
  } catch (error) {
    return { invalid: error instanceof Error ? error.message : String(error) };
  }
}
