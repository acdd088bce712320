import { readFile } from "node:fs/promises";

/** Sends a signal; false when there is no such process (any more). */
export function signalProcess(pid: number, signal: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(pid, signal);
  } catch {
    return false;
  }
}

/** Whether a process runs. One that has ended and waits to be collected by its parent does not. */
export async function isRunning(pid: number): Promise<boolean> {
  if (!signalProcess(pid, 0)) {
    return false;
  }
  const status = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => undefined);
  // Where there is no /proc the signal's word is all there is.
  return status === undefined || !/\) Z /.test(status);
}
