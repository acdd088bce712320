/** How far something had got when so much was done. */
export interface Sample {
  readonly at: number;
  readonly value: number;
}

/** By how much the value rises with each step, after the straight line that fits the samples best (least squares). */
export function slope(samples: readonly Sample[]): number {
  const mean = (read: (sample: Sample) => number): number =>
    samples.reduce((sum, sample) => sum + read(sample), 0) / samples.length;
  const [at, value] = [mean((sample) => sample.at), mean((sample) => sample.value)];
  let above = 0;
  let below = 0;
  for (const sample of samples) {
    above += (sample.at - at) * (sample.value - value);
    below += (sample.at - at) ** 2;
  }
  return below === 0 ? 0 : above / below;
}
