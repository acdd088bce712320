import { ConatError, isErrorKind } from "../protocol/conat-error.ts";

/** An error the hub named. A kind of a newer hub becomes `internal`, which nobody retries. */
export function toHubError(kind: string, message: string): ConatError {
  return new ConatError(isErrorKind(kind) ? kind : "internal", message);
}
