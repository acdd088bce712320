import type { StandardSchemaV1 } from "@standard-schema/spec";
import { ConatError } from "../protocol/conat-error.ts";

/**
 * A function that throws `invalid-value` for a value the schema refuses.
 * @throws ConatError `bad-options` on first use when the schema validates asynchronously
 */
export function createSchemaCheck(
  schema: StandardSchemaV1 | undefined,
): ((value: unknown) => void) | undefined {
  if (schema === undefined) return undefined;
  return (value) => {
    const result = schema["~standard"].validate(value);
    if (result instanceof Promise) {
      result.catch(() => {}); // nobody waits for it
      throw new ConatError(
        "bad-options",
        "the schema validates asynchronously; a store needs a synchronous one",
      );
    }
    if (result.issues === undefined) return;
    const issues = result.issues.slice(0, 3).map((issue) => {
      const path = (issue.path ?? []).map((part) =>
        String(typeof part === "object" ? part.key : part),
      );
      return path.length > 0 ? `${path.join(".")}: ${issue.message}` : issue.message;
    });
    throw new ConatError("invalid-value", `the schema refuses the value: ${issues.join("; ")}`);
  };
}
