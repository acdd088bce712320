import { readFileSync, writeFileSync } from "node:fs";

/** Ticks of `/proc/<pid>/stat` are hundredths of a second on every Linux that Node supports. */
const MS_PER_TICK = 10;

/** Processor time a process has used so far, in milliseconds; `NaN` where the system does not say. */
export function cpuMs(pid: number): number {
  const text = readProc(pid, "stat");
  // The program's name, in parentheses, may hold anything; fields are counted behind it.
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) * MS_PER_TICK;
}

/** Most memory a process has held since {@link resetPeak}, in bytes; `NaN` where the system does not say. */
export function peakBytes(pid: number): number {
  return statusBytes(pid, "VmHWM");
}

export function resetPeak(pid: number): void {
  try {
    writeFileSync(`/proc/${pid}/clear_refs`, "5");
  } catch {
    // Not Linux, or the process has ended: the peak is then that of its whole life, or unknown.
  }
}

function statusBytes(pid: number, field: string): number {
  const kilobytes = new RegExp(`^${field}:\\s+(\\d+) kB`, "m").exec(readProc(pid, "status"))?.[1];
  return Number(kilobytes ?? Number.NaN) * 1_024;
}

function readProc(pid: number, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, "utf8");
  } catch {
    return "";
  }
}
