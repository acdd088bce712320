import { type RejectedWrite, useRejectedWrites } from "@conat/frontend-hooks";

/** Changes of somebody at this window that were not stored. What the page writes by itself is nobody's loss. */
export function useRejected(): readonly RejectedWrite[] {
  return useRejectedWrites().filter(({ options }) => options.name !== "presence");
}
