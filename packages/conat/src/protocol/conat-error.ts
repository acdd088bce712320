import type { Entry } from "./entry.ts";

/** Every way an operation can fail. Closed: a new kind does not compile until {@link recoveryFor} handles it. */
export const ERROR_KINDS = [
  "bad-address",
  "bad-options",
  "bad-name",
  "bad-request",
  "not-serialisable",
  "value-too-large",
  "unauthenticated",
  "forbidden",
  "revoked",
  "limit-exceeded",
  "conflict",
  "outbox-full",
  "storage-full",
  "ambiguous",
  "outcome-unknown",
  "discarded",
  "unavailable",
  "timeout",
  "closed",
  "protocol-version",
  "server-too-old",
  "invalid-value",
  "epoch-lost",
  "not-durable",
  "internal",
] as const;

export type ErrorKind = (typeof ERROR_KINDS)[number];

/** What a caller, or the reconnect loop, does about an error of some kind. */
export type Recovery = "retry" | "reauthenticate" | "fatal";

export interface ConatErrorOptions {
  readonly cause?: unknown;
  /** For `conflict`: the entry that is stored now; absent when the key was never written or may not be read. */
  readonly current?: Entry | undefined;
}

/** The one error class of the toolkit: a kind to switch on, and a message that says what to do. */
export class ConatError extends Error {
  override readonly name = "ConatError";
  readonly kind: ErrorKind;
  /** For `conflict`: the entry that is stored now, when the caller may read it. */
  readonly current: Entry | undefined;

  constructor(kind: ErrorKind, message: string, options: ConatErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.kind = kind;
    this.current = options.current;
  }
}

export function isErrorKind(value: unknown): value is ErrorKind {
  return ERROR_KINDS.some((kind) => kind === value);
}

/** Any thrown thing as a ConatError: itself when it is one, else `internal` with it as the cause. */
export function toConatError(error: unknown, kind: ErrorKind = "internal"): ConatError {
  if (error instanceof ConatError) return error;
  const message = error instanceof Error ? error.message : String(error);
  return new ConatError(kind, message, { cause: error });
}

/** Whether trying again can help: at once or later (`retry`), with a new token, or not at all. */
export function recoveryFor(kind: ErrorKind): Recovery {
  switch (kind) {
    case "unavailable":
    case "timeout":
    case "ambiguous":
      return "retry";
    case "unauthenticated":
      return "reauthenticate";
    case "bad-address":
    case "bad-options":
    case "bad-name":
    case "bad-request":
    case "not-serialisable":
    case "value-too-large":
    case "forbidden":
    case "revoked":
    case "limit-exceeded":
    case "conflict":
    case "outbox-full":
    case "storage-full":
    case "outcome-unknown":
    case "discarded":
    case "closed":
    case "protocol-version":
    case "server-too-old":
    case "invalid-value":
    case "epoch-lost":
    case "not-durable":
    case "internal":
      return "fatal";
  }
}
