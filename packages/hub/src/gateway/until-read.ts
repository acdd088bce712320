import type { Outbox } from "./outbox.ts";

/** How long a client may take to read what was sent before its rights changed, in milliseconds. */
const READ_DEADLINE_MS = 1_000;
const READ_POLL_MS = 10;

/** Waits for the client to read what was sent to it; answers whether it has, in time, or has gone. */
export async function untilRead(
  outbox: Pick<Outbox, "bytes">,
  hasGone: () => boolean,
): Promise<boolean> {
  const deadline = performance.now() + READ_DEADLINE_MS;
  while (!hasGone() && outbox.bytes > 0) {
    if (performance.now() > deadline) return false;
    await new Promise((resolve) => setTimeout(resolve, READ_POLL_MS));
  }
  return true;
}
