/** From what a server on the same machine answers in to what a client gives up after, in seconds. */
const DURATION_BOUNDS_S: readonly number[] = [
  0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1, 5, 15,
];

/** How long operations of one kind took. */
export class Durations {
  /** How many took no longer than each bound and longer than the one before; the last took longer than all bounds. */
  readonly counts: number[] = new Array(DURATION_BOUNDS_S.length + 1).fill(0);
  /** In seconds. */
  sum = 0;

  note(seconds: number): void {
    const at = DURATION_BOUNDS_S.findIndex((bound) => seconds <= bound);
    const slot = at < 0 ? DURATION_BOUNDS_S.length : at;
    this.counts[slot] = (this.counts[slot] ?? 0) + 1;
    this.sum += seconds;
  }
}

/**
 * Durations by operation as a histogram in the format of Prometheus. By hand: the library's own would have to count them
 * itself, and is not loaded before somebody asks.
 */
export function formatDurations(
  name: string,
  help: string,
  durations: ReadonlyMap<string, Durations>,
): string {
  const lines = [`# HELP ${name} ${help}`, `# TYPE ${name} histogram`];
  for (const [operation, { counts, sum }] of durations) {
    let total = 0;
    for (const [at, count] of counts.entries()) {
      total += count;
      const bound = DURATION_BOUNDS_S[at] ?? "+Inf";
      lines.push(`${name}_bucket{le="${bound}",operation="${operation}"} ${total}`);
    }
    lines.push(`${name}_sum{operation="${operation}"} ${sum}`);
    lines.push(`${name}_count{operation="${operation}"} ${total}`);
  }
  return `${lines.join("\n")}\n`;
}
