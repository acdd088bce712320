export interface EventuallyOptions {
  /** How long to keep trying, in milliseconds. @default 20_000 */
  readonly timeoutMs?: number | undefined;
  /** Pause between two tries, in milliseconds. @default 5 */
  readonly intervalMs?: number | undefined;
}

/**
 * Calls `check` until it neither throws nor answers `false`, and resolves with its answer. For what happens in another
 * process: `await eventually(() => expect(seen).toEqual([1]))`, `await eventually(() => store.get("a") === 1)`.
 * @throws what `check` threw last, or an Error, when the time is up.
 */
export async function eventually<T>(
  check: () => T | Promise<T>,
  { timeoutMs = 20_000, intervalMs = 5 }: EventuallyOptions = {},
): Promise<T> {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    let failure: unknown;
    try {
      const answer = await check();
      if (answer !== false) return answer;
      failure = new Error(`still false after ${timeoutMs} ms: ${check.toString()}`);
    } catch (error) {
      failure = error;
    }
    if (Date.now() >= deadline) throw failure;
    await new Promise((resolve) => setTimeout(resolve, intervalMs));
  }
}
