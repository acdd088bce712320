import { ConatError } from "../protocol/conat-error.ts";
import { MAX_VALUE_BYTES } from "../protocol/limits.ts";
import { parseName } from "../protocol/scope.ts";
import { encodeValue } from "../protocol/value-codec.ts";
import type { Mutation } from "../session/session.ts";
import { notFound, usageError } from "./exit.ts";
import { printJson } from "./output.ts";
import type { Target } from "./target.ts";

/** What stands for standard input. */
const STDIN = "-";

/** Most bytes read from standard input: many times the largest value, so that JSON may be laid out with spaces. */
const MAX_STDIN_BYTES = 16 * MAX_VALUE_BYTES;

export interface SetOptions {
  /** The value is a string as it is, not JSON. */
  readonly string?: boolean;
  readonly ifSeq?: number;
  /** Lifetime, in milliseconds. */
  readonly ttl?: number;
}

/** Reads the value, before anything is connected. */
export async function readValue(text: string, options: SetOptions): Promise<Uint8Array> {
  const given = text === STDIN ? await readStdin() : text;
  const value = encodeValue(options.string ? given : parseJson(given));
  if (value.length <= MAX_VALUE_BYTES) return value;
  throw new ConatError(
    "value-too-large",
    `the value is ${value.length} bytes, and ${MAX_VALUE_BYTES} is the most`,
  );
}

/** Stores a value and prints under which sequence. */
export async function set(
  target: Target,
  key: string,
  value: Uint8Array,
  { ifSeq, ttl }: SetOptions,
): Promise<void> {
  await write(target, {
    key: parseName("the key", key),
    value,
    expectedSeq: ifSeq,
    ttlMs: ttl ?? 0,
  });
}

/** Deletes a key and prints the sequence of that. */
export async function remove(
  target: Target,
  key: string,
  { ifSeq }: Pick<SetOptions, "ifSeq">,
): Promise<void> {
  const ref = target.store();
  const entry = await target.client.session.read(ref, parseName("the key", key));
  if (entry?.kind !== "put") {
    const [which, where] = [JSON.stringify(key), JSON.stringify(ref.name)];
    throw notFound(`there is no key ${which} in the store ${where} of ${target.place}`);
  }
  await write(target, { key, value: undefined, expectedSeq: ifSeq, ttlMs: 0 });
}

async function write(
  target: Target,
  change: Pick<Mutation, "key" | "value" | "expectedSeq" | "ttlMs">,
): Promise<void> {
  const { session } = target.client;
  const ref = target.store();
  const mutation: Mutation = {
    ...change,
    origin: session.origin,
    write: session.nextWrite(),
    headers: undefined,
  };
  const seq = await new Promise<number>((resolve, reject) => {
    session.write(ref, [mutation], (result) => {
      if (result.ok) resolve(result.seq);
      else reject(toFailure(result.error, change.expectedSeq));
    });
  });
  printJson({ key: change.key, seq });
}

function toFailure(error: ConatError, expectedSeq: number | undefined): ConatError {
  if (error.kind !== "conflict") return error;
  const current = error.current?.seq;
  const has = current === undefined ? "does not exist" : `has sequence ${current}`;
  return new ConatError("conflict", `not stored: the key ${has}, and --if-seq says ${expectedSeq}`);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    const shown = text.length > 40 ? `${text.slice(0, 40)}…` : text;
    throw usageError(
      `the value ${shown} is no JSON: put a string in double quotes, or use --string`,
    );
  }
}

async function readStdin(): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of process.stdin) {
    const part = Buffer.from(chunk);
    bytes += part.length;
    if (bytes > MAX_STDIN_BYTES) {
      throw new ConatError(
        "value-too-large",
        `more than ${MAX_STDIN_BYTES} bytes on standard input`,
      );
    }
    chunks.push(part);
  }
  return Buffer.concat(chunks).toString("utf8");
}
