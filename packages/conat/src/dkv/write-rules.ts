import { ConatError } from "../protocol/conat-error.ts";
import type { EntryHeaders } from "../protocol/entry.ts";
import { MAX_HEADERS_BYTES } from "../protocol/limits.ts";
import { decodeValue, encodeValue } from "../protocol/value-codec.ts";
import type { ResolvedDkvOptions } from "./dkv-options.ts";
import { createSchemaCheck } from "./schema-check.ts";
import type { ValueCheck } from "./visible-values.ts";
import type { WriteLedger } from "./write-ledger.ts";

/** What a store takes: which values, and how many writes that are not yet acknowledged. */
export class WriteRules {
  /** Throws for a value that the schema refuses; absent without one. */
  readonly check: ValueCheck | undefined;
  readonly #options: ResolvedDkvOptions;

  constructor(options: ResolvedDkvOptions) {
    this.#options = options;
    this.check = createSchemaCheck(options.schema);
  }

  /**
   * The encoding of a value that may be stored, whether the caller or a merge has made it.
   * @throws ConatError `not-serialisable`, `value-too-large`, `invalid-value`
   */
  encode(key: string, value: unknown): Uint8Array {
    const bytes = encodeValue(value);
    const most = this.#options.maxValueBytes;
    if (bytes.length > most) {
      throw new ConatError(
        "value-too-large",
        `the value of ${JSON.stringify(key)} takes ${bytes.length} bytes; at most ${most} can be stored`,
      );
    }
    this.check?.(decodeValue(bytes));
    return bytes;
  }

  /** @throws ConatError `outbox-full` */
  admit(ledger: WriteLedger, writes: number, bytes: number): void {
    const { maxOutboxWrites, maxOutboxBytes } = this.#options;
    if (ledger.size + writes <= maxOutboxWrites && ledger.bytes + bytes <= maxOutboxBytes) return;
    throw new ConatError(
      "outbox-full",
      `${ledger.size} writes (${ledger.bytes} bytes) wait to be acknowledged; await save() before writing more`,
    );
  }
}

/** A UTF-16 unit takes up to three bytes. */
const MAX_HEADERS_UNITS = Math.floor(MAX_HEADERS_BYTES / 3);

/** @throws ConatError `bad-options` */
export function parseHeaders(headers: EntryHeaders): EntryHeaders {
  const pairs = Object.entries(headers);
  const units = pairs.reduce((sum, [name, value]) => sum + name.length + String(value).length, 0);
  if (units > MAX_HEADERS_UNITS || pairs.some(([, value]) => typeof value !== "string")) {
    throw new ConatError(
      "bad-options",
      `headers are names and string values of at most ${MAX_HEADERS_UNITS} characters together`,
    );
  }
  return Object.freeze({ ...headers });
}
