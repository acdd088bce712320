/** First bound of the wait between two attempts, in milliseconds; doubles with each failure. */
export const RETRY_BASE_MS = 250;

/** Largest bound of that wait: a hub that is back is found again within this time. */
export const RETRY_CAP_MS = 10_000;

/**
 * How long to wait before the next attempt, in milliseconds: nothing after the first failure, then anything between 0
 * and a bound that doubles up to a cap ("full jitter": the wait itself is random, so that clients cut off together do
 * not come back together).
 * @param failures attempts that failed in a row before this failure
 * @param random a number in [0, 1)
 */
export function backoffMs(failures: number, random: number): number {
  if (failures === 0) return 0;
  return Math.ceil(random * Math.min(RETRY_CAP_MS, RETRY_BASE_MS * 2 ** (failures - 1)));
}
