import { isAsciiAt } from "../protocol/utf8.ts";
import { latin1 } from "./raw-message.ts";

/** Origins seen lately: one string for all entries of a writer, instead of a part of each message's headers. */
const origins = new Map<string, string>();
const MAX_ORIGINS = 1_000;

/** Longer than any session's; somebody else's id, which may be as long as all headers together, is not kept. */
const MAX_KEPT_LENGTH = 256;

let lastOrigin = "";

/** The origin that stands between two places; most often it is that of the message before. */
export function originAt(bytes: Uint8Array, start: number, end: number): string {
  const isLast = end - start === lastOrigin.length && isAsciiAt(lastOrigin, bytes, start);
  if (!isLast) lastOrigin = shared(latin1(bytes, start, end));
  return lastOrigin;
}

function shared(origin: string): string {
  if (origin.length > MAX_KEPT_LENGTH) return origin;
  const known = origins.get(origin);
  if (known !== undefined) return known;
  if (origins.size >= MAX_ORIGINS) origins.clear();
  origins.set(origin, origin);
  return origin;
}
