import {
  AuthorizationError,
  ClosedConnectionError,
  ConnectionError,
  DrainingConnectionError,
  NoRespondersError,
  PermissionViolationError,
  RequestError,
  TimeoutError,
  UserAuthenticationExpiredError,
} from "@nats-io/nats-core";
import { ConatError, type ErrorKind, toConatError } from "../protocol/conat-error.ts";

/** An error answer of the JetStream API, with the numbers that tell one reason from another. */
export class ApiError extends Error {
  override readonly name = "ApiError";
  /** HTTP-like class of the error. */
  readonly code: number;
  /** Exact reason, see {@link API_ERROR}. */
  readonly errCode: number;

  constructor(code: number, errCode: number, description: string) {
    super(description);
    this.code = code;
    this.errCode = errCode;
  }
}

/** `err_code` of the answers that are told apart here; from nats-server's list of API errors. */
export const API_ERROR = {
  insufficientResources: 10023,
  noMessageFound: 10037,
  notEnabledForAccount: 10039,
  storageResourcesExceeded: 10047,
  messageTooLarge: 10054,
  differentConfiguration: 10058,
  streamNotFound: 10059,
  wrongLastSequence: 10071,
  notEnabled: 10076,
  headersTooLarge: 10097,
  duplicateInProcess: 10158,
  wrongLastSequenceInFlight: 10164,
} as const;

/** Any error of the client library or the JetStream API as one of ours. `doing` completes "could not …". */
export function fromNatsError(error: unknown, doing: string): ConatError {
  if (error instanceof ConatError) return error;
  const kind = kindOf(error);
  if (kind === undefined) return toConatError(error);
  const why = error instanceof Error ? error.message : String(error);
  return new ConatError(kind, `could not ${doing}: ${why}`, { cause: error });
}

function kindOf(error: unknown): ErrorKind | undefined {
  if (error instanceof ApiError) return kindOfApiError(error.code, error.errCode, error.message);
  if (error instanceof TimeoutError) return "timeout";
  if (error instanceof PermissionViolationError) return "forbidden";
  if (error instanceof AuthorizationError || error instanceof UserAuthenticationExpiredError) {
    return "unauthenticated";
  }
  if (error instanceof RequestError && error.cause !== undefined) return kindOf(error.cause);
  if (isConnectionTrouble(error)) return "unavailable";
  return undefined;
}

function isConnectionTrouble(error: unknown): boolean {
  return (
    error instanceof NoRespondersError ||
    error instanceof RequestError ||
    error instanceof ConnectionError ||
    error instanceof ClosedConnectionError ||
    error instanceof DrainingConnectionError ||
    // Errors of sockets and name lookup pass through the client library as they are.
    (error instanceof Error && "syscall" in error)
  );
}

/** What an error answer of JetStream means to a caller. */
export function kindOfApiError(code: number, errCode: number, description: string): ErrorKind {
  switch (errCode) {
    case API_ERROR.wrongLastSequence:
    case API_ERROR.wrongLastSequenceInFlight:
      return "conflict";
    case API_ERROR.insufficientResources:
    case API_ERROR.storageResourcesExceeded:
      return "storage-full";
    case API_ERROR.messageTooLarge:
    case API_ERROR.headersTooLarge:
      return "value-too-large";
    case API_ERROR.duplicateInProcess:
      return "ambiguous";
    case API_ERROR.notEnabled:
    case API_ERROR.notEnabledForAccount:
    case API_ERROR.streamNotFound:
      return "unavailable";
    default:
      if (/maximum (bytes|messages) exceeded|resource limits exceeded/.test(description)) {
        return "storage-full";
      }
      if (code === 503 || code === 429 || /not enabled/.test(description)) return "unavailable";
      return "internal";
  }
}
