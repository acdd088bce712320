/** The middle of some numbers; `NaN` of none. */
export function median(numbers: readonly number[]): number {
  return percentile(numbers, 50);
}

/** The `percent`-th percentile, between neighbours by proportion; `NaN` of no numbers. */
export function percentile(numbers: readonly number[], percent: number): number {
  const sorted = Float64Array.from(numbers).sort();
  const at = ((sorted.length - 1) * percent) / 100;
  const below = sorted[Math.floor(at)] ?? Number.NaN;
  const above = sorted[Math.ceil(at)] ?? Number.NaN;
  return below + (above - below) * (at - Math.floor(at));
}

/** Half the distance from the smallest to the largest, as a part of the median: 0.1 is "±10 %". */
export function spread(numbers: readonly number[]): number {
  return (Math.max(...numbers) - Math.min(...numbers)) / 2 / median(numbers);
}
