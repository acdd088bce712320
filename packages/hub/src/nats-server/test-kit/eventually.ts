import { setTimeout as delay } from "node:timers/promises";

const POLL_MS = 10;

/** Polls until `check` is true. @throws after `timeoutMs`, naming what did not happen. */
export async function eventually(
  what: string,
  check: () => boolean | Promise<boolean>,
  timeoutMs = 10_000,
): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  while (!(await check())) {
    if (performance.now() > deadline) {
      throw new Error(`did not happen within ${timeoutMs / 1000} s: ${what}`);
    }
    await delay(POLL_MS);
  }
}
