import { cpus, loadavg, release, totalmem } from "node:os";
import { perSecond } from "./metrics.ts";
import type { RowResult, SideResult } from "./run-bench.ts";
import { median, percentile, spread } from "./stats.ts";

/** What one bench has measured: a line for each side, then one for each row. */
export function benchTable(results: readonly RowResult[]): string {
  const [first] = results;
  if (first === undefined) return "";
  const header = ["", "op/s", "spread", "p50 ms", "p99 ms", "CPU µs/op", "peak MB"];
  const lines = first.sides.map(sideLine);
  const rows = results.flatMap((result) => [
    `  ${result.row.name}: ${result.row.title}`,
    verdictLine(result),
  ]);
  return ["", table([header, ...lines]), ...rows].join("\n");
}

function verdictLine({ row, ours, floor, ratio, bestRatio, targets, peers }: RowResult): string {
  const parts = [
    `conat ${figure(ours)} ${row.unit}`,
    ...(floor === undefined ? [] : [`floor ${figure(floor)}`]),
    ...Object.entries(peers).map(([name, value]) => `${name} ${figure(value)}`),
    ...(ratio === undefined ? [] : [`ratio ${shownRatio(ratio, bestRatio)}`]),
    ...targets.map(({ text, ok }) => `target ${text}: ${verdict(ok)}`),
  ];
  return `    ${parts.join(" · ")}`;
}

/** One line for each row. */
export function summaryTable(results: readonly RowResult[]): string {
  const header = ["row", "unit", "ours", "floor", "ratio", "target", "ok", "peers"];
  const lines = results.map(({ row, ours, floor, ratio, bestRatio, targets, peers }) => [
    row.name,
    row.unit,
    figure(ours),
    floor === undefined ? "" : figure(floor),
    ratio === undefined ? "" : shownRatio(ratio, bestRatio),
    targets.map(({ text }) => text).join(", "),
    targets.map(({ ok }) => verdict(ok)).join(", "),
    Object.entries(peers)
      .map(([name, value]) => `${name} ${figure(value)}`)
      .join(", "),
  ]);
  return table([header, ...lines]);
}

/** What `--json` writes. */
export function toJson(results: readonly RowResult[], failed: readonly string[]): string {
  const rows = results.map(({ row, ours, floor, ratio, bestRatio, targets, peers, sides }) => ({
    row: row.name,
    unit: row.unit,
    ours,
    floor: floor ?? null,
    ratio: ratio ?? null,
    bestRatio: bestRatio ?? null,
    target: targets.map(({ text }) => text).join(", "),
    ok: targets.every(({ ok }) => ok !== undefined) ? targets.every(({ ok }) => ok) : null,
    peers,
    sides: sides.map(({ side, rounds }) => ({
      name: side.name,
      role: side.role,
      rounds: rounds.map(row.metric),
      p50Ms: latency(rounds, 50),
      p99Ms: latency(rounds, 99),
      cpuMicrosPerOperation: cpuPerOperation(rounds),
      peakBytes: peaks(rounds),
    })),
  }));
  return `${JSON.stringify({ machine: machine(), rows, failed }, undefined, 2)}\n`;
}

/** What the figures were measured on. */
export function machine(): Readonly<Record<string, string | number>> {
  const [cpu] = cpus();
  return {
    cpu: cpu?.model ?? "unknown",
    cores: cpus().length,
    memoryGB: Math.round(totalmem() / 1e9),
    system: `${process.platform} ${release()}`,
    node: process.versions.node,
    /** Processes that were running or waiting to, on average over the last minute. */
    load: Number((loadavg()[0] ?? 0).toFixed(1)),
  };
}

function sideLine({ side, rounds }: SideResult): string[] {
  const rates = rounds.map(perSecond);
  return [
    `  ${side.name}`,
    figure(median(rates)),
    `±${(spread(rates) * 100).toFixed(0)} %`,
    figure(latency(rounds, 50) ?? Number.NaN),
    figure(latency(rounds, 99) ?? Number.NaN),
    list(cpuPerOperation(rounds), 1),
    list(peaks(rounds), 1e6),
  ];
}

/** Median over the rounds of each round's percentile. */
function latency(rounds: SideResult["rounds"], percent: number): number | null {
  const all = rounds.flatMap(({ latenciesMs = [] }) =>
    latenciesMs.length > 0 ? [percentile(latenciesMs, percent)] : [],
  );
  return all.length === 0 ? null : median(all);
}

function cpuPerOperation(rounds: SideResult["rounds"]): Record<string, number> {
  return perProcess(
    rounds,
    ({ cpuMs, operations }, name) => ((cpuMs[name] ?? Number.NaN) * 1_000) / operations,
  );
}

function peaks(rounds: SideResult["rounds"]): Record<string, number> {
  return perProcess(rounds, ({ peakBytes }, name) => peakBytes[name] ?? Number.NaN);
}

function perProcess(
  rounds: SideResult["rounds"],
  read: (round: SideResult["rounds"][number], name: string) => number,
): Record<string, number> {
  const names = Object.keys(rounds[0]?.cpuMs ?? {});
  return Object.fromEntries(
    names.map((name) => [name, median(rounds.map((round) => read(round, name)))]),
  );
}

function list(figures: Readonly<Record<string, number>>, unit: number): string {
  return Object.entries(figures)
    .map(([name, value]) => `${name} ${figure(value / unit)}`)
    .join(" ");
}

/** With the ratio of the best rounds behind it. */
function shownRatio(ratio: number, bestRatio: number | undefined): string {
  return bestRatio === undefined
    ? ratio.toFixed(2)
    : `${ratio.toFixed(2)} (best ${bestRatio.toFixed(2)})`;
}

/** Three digits that matter. */
function figure(value: number): string {
  if (!Number.isFinite(value)) return "–";
  if (Math.abs(value) >= 1_000) return Math.round(value).toLocaleString("en");
  return String(Number(value.toPrecision(3)));
}

function verdict(ok: boolean | undefined): string {
  return ok === undefined ? "not measured" : ok ? "ok" : "missed";
}

function table(lines: readonly (readonly string[])[]): string {
  const widths = (lines[0] ?? []).map((_, column) =>
    Math.max(...lines.map((line) => line[column]?.length ?? 0)),
  );
  return lines
    .map((line) =>
      line
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}
