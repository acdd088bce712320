/** What a process holds, in bytes. */
export interface UsedMemory {
  /** JavaScript objects and buffers, after a collection if the process runs with `--expose-gc`. */
  readonly objects: number;
  /** Everything. */
  readonly resident: number;
}

export function usedMemory(): UsedMemory {
  // Twice: what a first collection finalizes, a second one frees.
  globalThis.gc?.();
  globalThis.gc?.();
  const { heapUsed, external, rss } = process.memoryUsage();
  return { objects: heapUsed + external, resident: rss };
}
