import type { Measured } from "./bench.ts";
import { percentile } from "./stats.ts";

export function perSecond({ operations, seconds }: Measured): number {
  return operations / seconds;
}

export function p50({ latenciesMs = [] }: Measured): number {
  return percentile(latenciesMs, 50);
}

export function p99({ latenciesMs = [] }: Measured): number {
  return percentile(latenciesMs, 99);
}

/** Something that the load itself has measured. */
export function value(name: string): (measured: Measured) => number {
  return ({ values = {} }) => values[name] ?? Number.NaN;
}

/** Processor time of a process per operation, in microseconds; of the first that there is. */
export function cpuPerOperation(...processes: string[]): (measured: Measured) => number {
  return ({ cpuMs, operations }) => {
    const name = processes.find((process) => process in cpuMs) ?? "";
    return ((cpuMs[name] ?? Number.NaN) * 1_000) / operations;
  };
}
