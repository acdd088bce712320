/** What a build prints, and how far it is then, from 0 to 1. */
const LINES: readonly (readonly [number, string])[] = [
  [0, "$ npm ci"],
  [0.14, "added 214 packages in 1.4 s"],
  [0.25, "$ tsc --build"],
  [0.38, "src/board: ok"],
  [0.46, "src/people: ok"],
  [0.5, "$ vitest run"],
  [0.62, "✓ board (12)"],
  [0.7, "✓ presence (4)"],
  [0.75, "$ npm pack"],
  [0.95, "workspace-1.0.0.tgz, 41 kB"],
];

export function buildLog(progress: number): string[] {
  return LINES.filter(([at]) => at <= progress).map(([, line]) => line);
}
