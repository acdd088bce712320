/** The first restart is nearly immediate: one crash should cost clients a reconnect, no more. */
const FIRST_DELAY_MS = 50;
/** A full disk or a stolen port may be cured by hand; nobody should wait longer than this after. */
const MAX_DELAY_MS = 5_000;
/** A server that stayed up this long was not in a crash loop. */
export const STABLE_AFTER_MS = 10_000;
/** About a minute of trying; then whoever runs the server has to hear about it. */
export const MAX_RESTARTS_IN_A_ROW = 20;

/** How long to wait before restart number `attempt` (1, 2, …) since the server was last stable. */
export function restartDelayMs(attempt: number): number {
  return Math.min(MAX_DELAY_MS, FIRST_DELAY_MS * 2 ** (attempt - 1));
}
