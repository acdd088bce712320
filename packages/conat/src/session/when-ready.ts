import { ConatError } from "../protocol/conat-error.ts";
import { WAIT_TIMEOUT_MS } from "../protocol/limits.ts";
import type { Session } from "./session.ts";

/**
 * Resolves when the session is `ready`: what {@link Session.ready} promises, made of its status.
 * @throws ConatError the reason of a refusal; `closed`; `timeout` after `timeoutMs`, with the last failure as cause.
 */
export function whenReady(
  session: Pick<Session, "status" | "onStatus">,
  timeoutMs: number = WAIT_TIMEOUT_MS,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const done = (settle: () => void): void => {
      stop();
      clearTimeout(timer);
      settle();
    };
    const look = (): void => {
      const { state, error } = session.status;
      if (state === "ready") done(resolve);
      if (state === "refused" || state === "closed") done(() => reject(error));
    };
    const stop = session.onStatus(look);
    const timer = setTimeout(() => {
      const cause = session.status.error;
      const why = cause === undefined ? "no answer yet" : cause.message;
      const message = `not connected within ${timeoutMs} ms: ${why}`;
      done(() => reject(new ConatError("timeout", message, { cause })));
    }, timeoutMs);
    look();
  });
}
