import type { Sample } from "../load/sample.ts";
import type { Bench, Measured, Row, Side } from "./bench.ts";
import { cpuMs, peakBytes, resetPeak } from "./process-usage.ts";
import { Stage, type StageOptions } from "./stage.ts";
import { median } from "./stats.ts";

export interface RunOptions extends StageOptions {
  readonly rounds: number;
  /** Part of the full number of operations in each round. */
  readonly scale: number;
  readonly log: (line: string) => void;
}

/** One side after all rounds. */
interface Running {
  readonly side: Side;
  readonly rounds: Measured[];
}

export interface SideResult {
  readonly side: Side;
  readonly rounds: readonly Measured[];
}

/** A target and whether it was met; `undefined` when what it compares with was not measured. */
export interface TargetResult {
  readonly text: string;
  readonly ok: boolean | undefined;
}

/** A row with its figures: medians of the rounds. */
export interface RowResult {
  readonly row: Row;
  readonly ours: number;
  readonly floor: number | undefined;
  /** Ours as a multiple of the floor. */
  readonly ratio: number | undefined;
  /** The same for the best round of each side, which other work on the machine has disturbed least. */
  readonly bestRatio: number | undefined;
  readonly targets: readonly TargetResult[];
  readonly peers: Readonly<Record<string, number>>;
  readonly sides: readonly SideResult[];
}

/** Measures every side in turn, round by round after one that warms up, and returns the figures of the rows. */
export async function runBench(bench: Bench, options: RunOptions): Promise<RowResult[]> {
  const { scale, log } = options;
  const rounds = Math.min(options.rounds, bench.maxRounds ?? options.rounds);
  const stage = new Stage(options);
  try {
    log(`${bench.name}: starting`);
    const sides = await bench.open(stage);
    const results = new Set(sides.map((side): Running => ({ side, rounds: [] })));
    /** What is compared with must not keep the rest from being measured. */
    const leaveOut = (result: Running, error: Error) => {
      if (result.side.role !== "peer") throw error;
      log(`${result.side.name} is left out: ${error.cause}`);
      results.delete(result);
    };
    for (const result of results) {
      await sample(result.side, scale).catch((error) => leaveOut(result, error));
    }
    for (let round = 1; round <= rounds; round += 1) {
      log(`${bench.name}: round ${round} of ${rounds}`);
      for (const result of results) {
        await measure(result.side, scale)
          .then((measured) => result.rounds.push(measured))
          .catch((error) => leaveOut(result, error));
      }
    }
    return bench.rows.map((row) => toRowResult(row, [...results]));
  } finally {
    await stage.close();
  }
}

async function measure(side: Side, scale: number): Promise<Measured> {
  const processes = Object.entries(side.processes);
  for (const [, pid] of processes) resetPeak(pid);
  const before = processes.map(([, pid]) => cpuMs(pid));
  const taken = await sample(side, scale);
  const used = processes.map(([name, pid], at) => [name, cpuMs(pid) - (before[at] ?? 0)]);
  const peaks = processes.map(([name, pid]) => [name, peakBytes(pid)]);
  return { ...taken, cpuMs: Object.fromEntries(used), peakBytes: Object.fromEntries(peaks) };
}

async function sample(side: Side, scale: number): Promise<Sample> {
  try {
    return await side.measure(scale);
  } catch (error) {
    throw new Error(`${side.name} failed`, { cause: error });
  }
}

function toRowResult(row: Row, sides: readonly SideResult[]): RowResult {
  const floors = row.floor ?? sides.filter(isRole("floor")).map(({ side }) => side.name);
  const figuresBy = (choose: (figures: number[]) => number): Map<string, number> =>
    new Map(sides.map(({ side, rounds }) => [side.name, choose(rounds.map(row.metric))]));
  const oursIn = (figures: Map<string, number>): number =>
    figures.get(row.ours ?? "conat") ?? Number.NaN;
  const floorIn = (figures: Map<string, number>): number | undefined =>
    floors.length === 0 ? undefined : sum(floors.map((name) => figures.get(name)));
  const figures = figuresBy(median);
  const best = figuresBy((all) => (isRate(row) ? Math.max(...all) : Math.min(...all)));
  const ours = oursIn(figures);
  const floor = floorIn(figures);
  const peers = sides.filter(isRole("peer")).map(({ side }) => side.name);
  const targets = row.targets.map(({ at, times, of }): TargetResult => {
    const text = `${at === "most" ? "≤" : "≥"} ${times} ${of === "unit" ? row.unit : `× ${of}`}`;
    const other = of === "unit" ? 1 : of === "floor" ? floor : figures.get(of);
    if (other === undefined || Number.isNaN(other)) return { text, ok: undefined };
    return { text, ok: at === "most" ? ours <= times * other : ours >= times * other };
  });
  return {
    row,
    ours,
    floor,
    ratio: quotient(ours, floor),
    bestRatio: quotient(oursIn(best), floorIn(best)),
    targets,
    peers: Object.fromEntries(peers.map((name) => [name, figures.get(name) ?? Number.NaN])),
    sides,
  };
}

function isRate({ unit }: Row): boolean {
  return unit.endsWith("/s");
}

function quotient(ours: number, floor: number | undefined): number | undefined {
  return floor === undefined || floor === 0 ? undefined : ours / floor;
}

function isRole(role: Side["role"]): (result: SideResult) => boolean {
  return ({ side }) => side.role === role;
}

function sum(numbers: readonly (number | undefined)[]): number {
  return numbers.reduce<number>((total, one) => total + (one ?? Number.NaN), 0);
}
