import type { StandardSchemaV1 } from "@standard-schema/spec";
import { ConatError } from "../protocol/conat-error.ts";
import {
  BOUND_TTL_MS,
  MAX_TTL_MS,
  MAX_VALUE_BYTES,
  MIN_BOUND_TTL_MS,
  OUTBOX_MAX_BYTES,
  OUTBOX_MAX_WRITES,
  WAIT_TIMEOUT_MS,
} from "../protocol/limits.ts";
import { parseName, parseScope, type ScopeOptions, type StoreRef } from "../protocol/scope.ts";
import type { Session } from "../session/session.ts";

/** Decides between a local change that is not yet stored and a newer version somebody else has stored. */
export interface MergeArguments<T> {
  readonly key: string;
  /** The version both sides started from. */
  readonly prev: T | undefined;
  /** The local value; `undefined` when the local change is a delete. */
  readonly local: T | undefined;
  /** The stored value; `undefined` when it was deleted or has expired. */
  readonly remote: T | undefined;
}

/** Returns the value to keep; `undefined` deletes the key, `null` is a value. */
export type Merge<T> = (conflict: MergeArguments<T>) => T | undefined;

export interface DkvOptions<T = unknown> extends ScopeOptions {
  /** Name of the store: any string up to 16 kB. */
  readonly name: string;
  /** Whose connection to use. @default the process-wide client of `CONAT_URL`, or of the page's own origin */
  readonly client?: { readonly session: Session } | undefined;
  /** Keep the data in the server's memory: it lives as long as the server. @default false */
  readonly ephemeral?: boolean | undefined;
  /** 3-way merge; without it the last write wins. */
  readonly merge?: Merge<T> | undefined;
  /**
   * Write again what this client had stored and the server has lost: merged with what is stored now, or without `merge`
   * only where nothing is. @default false
   */
  readonly reoffer?: boolean | undefined;
  /**
   * Validator of every value, by any library that implements Standard Schema (Zod, Valibot, ArkType …). Must be
   * synchronous. It only checks: values stay as they were set, so that their type is what the schema takes, not what it
   * makes of them by defaults or conversions.
   */
  readonly schema?: StandardSchemaV1<T, unknown> | undefined;
  /** Lifetime of every entry, in milliseconds, rounded up to whole seconds. @default for ever */
  readonly ttlMs?: number | undefined;
  /** Send nothing until `save()`. @default false */
  readonly noAutosave?: boolean | undefined;
  /** Give this caller an instance of its own. @default false */
  readonly noCache?: boolean | undefined;
  /** Insist that an acknowledgement means "on disk"; `dkv()` rejects with `not-durable` where it does not. */
  readonly sync?: boolean | undefined;
  /** Name of another hub service that keeps this store. @default the standard one */
  readonly service?: string | undefined;
  /** Deadline of every wait, in milliseconds. @default 30000 */
  readonly timeoutMs?: number | undefined;
  /** Largest encoded value, in bytes. @default 524288 */
  readonly maxValueBytes?: number | undefined;
  /** Writes not yet acknowledged; past it `set` throws `outbox-full`. @default 10000 */
  readonly maxOutboxWrites?: number | undefined;
  /** Bytes not yet acknowledged; past it `set` throws `outbox-full`. @default 16777216 */
  readonly maxOutboxBytes?: number | undefined;
}

/** {@link DkvOptions} with every default filled in. */
export interface ResolvedDkvOptions {
  readonly ref: StoreRef;
  readonly merge: Merge<unknown> | undefined;
  readonly reoffer: boolean;
  readonly schema: StandardSchemaV1 | undefined;
  readonly ttlMs: number;
  readonly noAutosave: boolean;
  readonly noCache: boolean;
  readonly sync: boolean;
  readonly timeoutMs: number;
  readonly maxValueBytes: number;
  readonly maxOutboxWrites: number;
  readonly maxOutboxBytes: number;
}

/** @throws ConatError `bad-options` or `bad-name` */
export function resolveDkvOptions<T>(options: DkvOptions<T>): ResolvedDkvOptions {
  return {
    ref: {
      scope: parseScope(options),
      name: parseName("name", options.name),
      ephemeral: options.ephemeral ?? false,
      service: parseName("service", options.service ?? ""),
    },
    merge: options.merge as Merge<unknown> | undefined,
    reoffer: options.reoffer ?? false,
    schema: options.schema,
    ttlMs: parseTtl(options.ttlMs),
    noAutosave: options.noAutosave ?? false,
    noCache: options.noCache ?? false,
    sync: options.sync ?? false,
    timeoutMs: parseTimeout(options.timeoutMs, WAIT_TIMEOUT_MS),
    maxValueBytes: positive("maxValueBytes", options.maxValueBytes, MAX_VALUE_BYTES),
    maxOutboxWrites: positive("maxOutboxWrites", options.maxOutboxWrites, OUTBOX_MAX_WRITES),
    maxOutboxBytes: positive("maxOutboxBytes", options.maxOutboxBytes, OUTBOX_MAX_BYTES),
  };
}

/** A timer that is set for longer goes off at once. */
const MAX_TIMER_MS = 2_147_483_647;

/**
 * A deadline in milliseconds.
 * @throws ConatError `bad-options`
 */
export function parseTimeout(timeoutMs: number | undefined, fallback: number): number {
  return positive("timeoutMs", timeoutMs, fallback, MAX_TIMER_MS);
}

/**
 * A sequence to compare with; `undefined` for none.
 * @throws ConatError `bad-options`
 */
export function parseSeq(ifSeq: number | undefined): number | undefined {
  if (ifSeq === undefined || (Number.isSafeInteger(ifSeq) && ifSeq >= 0)) return ifSeq;
  throw new ConatError("bad-options", `ifSeq must be a sequence or 0, not ${String(ifSeq)}`);
}

/**
 * A lifetime in whole milliseconds; 0 for none.
 * @throws ConatError `bad-options`
 */
export function parseTtl(ttlMs: number | undefined): number {
  return ttlMs === undefined ? 0 : Math.ceil(positive("ttlMs", ttlMs, 0, MAX_TTL_MS));
}

/**
 * How long a key outlives a hub that dies, in milliseconds, when it lasts until its writer disconnects.
 * @throws ConatError `bad-options`
 */
export function parseBoundTtl(
  ttlMs: number | undefined,
  { noAutosave }: Pick<ResolvedDkvOptions, "noAutosave">,
): number {
  const parsed = parseTtl(ttlMs ?? BOUND_TTL_MS);
  if (!noAutosave && parsed >= MIN_BOUND_TTL_MS) return parsed;
  throw new ConatError(
    "bad-options",
    `untilDisconnect needs a store that saves by itself, and a ttlMs of at least ${MIN_BOUND_TTL_MS}`,
  );
}

function positive(
  name: string,
  value: number | undefined,
  fallback: number,
  most: number = Number.MAX_VALUE,
): number {
  if (value === undefined) return fallback;
  if (typeof value === "number" && value > 0 && value <= most) return value;
  const bound = most === Number.MAX_VALUE ? "" : ` of at most ${most}`;
  throw new ConatError(
    "bad-options",
    `${name} must be a positive number${bound}, not ${String(value)}`,
  );
}

/** What must be the same in every open of one cached store; the rest of the options name it or do not change it. */
export function behaviourOf(options: ResolvedDkvOptions): Readonly<Record<string, unknown>> {
  return {
    merge: options.merge !== undefined,
    reoffer: options.reoffer,
    schema: options.schema !== undefined,
    ttlMs: options.ttlMs,
    noAutosave: options.noAutosave,
    sync: options.sync,
    maxValueBytes: options.maxValueBytes,
    maxOutboxWrites: options.maxOutboxWrites,
    maxOutboxBytes: options.maxOutboxBytes,
  };
}
