import type { ConatError } from "../protocol/conat-error.ts";
import type { Entry } from "../protocol/entry.ts";
import type { LocalWrite } from "./local-write.ts";

/** What `get` shows: a local write, or a confirmed entry that may be a removal. */
export type Visible = LocalWrite | Entry;

/** Whether what is visible is a value rather than a removal. */
export function hasValue(visible: Visible | undefined): boolean {
  if (visible === undefined) return false;
  return "kind" in visible ? visible.kind === "put" : visible.value !== undefined;
}

/** The newest reading of a key. One object for all its versions: a change of a key is no reason to make another. */
export interface Remembered {
  source: Visible;
  value: unknown;
  error: ConatError | undefined;
}

/** Where the newest reading of a key is kept: with what is known of the key, so that a change finds both at once. */
export interface Holder {
  remembered: Remembered | undefined;
}
