import { ConatError } from "@conat/conat";

export function toError(error: unknown): ConatError {
  if (error instanceof ConatError) return error;
  const message = error instanceof Error ? error.message : String(error);
  return new ConatError("internal", message, { cause: error });
}

/** Shows an error that no mounted component is left to show, the way the platform shows uncaught ones. */
export function reportUncaught(error: unknown): void {
  queueMicrotask(() => {
    throw error;
  });
}
