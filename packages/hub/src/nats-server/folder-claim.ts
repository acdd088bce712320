import { readFile, rm, writeFile } from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";
import { isRunning } from "./processes.ts";

/** Time for the server of a process that was just killed to shut down and let go of the folder. */
const CLAIM_WAIT_MS = 2_000;
const POLL_MS = 50;

/**
 * Claims a data folder by a file that names this process, for systems without a kernel lock; the
 * returned function lets go. Undefined when a live process has the folder. A claim whose process
 * is gone, and its server too, does not count.
 */
export async function claimFolder(
  claimFile: string,
  serverPidFile: string,
): Promise<(() => Promise<void>) | undefined> {
  const deadline = performance.now() + CLAIM_WAIT_MS;
  for (;;) {
    if (await createClaim(claimFile)) {
      return () => rm(claimFile, { force: true });
    }
    if (!(await isHeld(claimFile)) && !(await isHeld(serverPidFile))) {
      await rm(claimFile, { force: true });
    } else if (performance.now() > deadline) {
      return undefined;
    } else {
      await delay(POLL_MS);
    }
  }
}

async function createClaim(claimFile: string): Promise<boolean> {
  try {
    await writeFile(claimFile, `${process.pid}\n`, { flag: "wx", mode: 0o600 });
    return true;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "EEXIST") {
      return false;
    }
    throw error;
  }
}

/** Whether the process named in a pid file runs; a file that is empty or missing names none. */
async function isHeld(pidFile: string): Promise<boolean> {
  const text = await readFile(pidFile, "utf8").catch(() => "");
  const pid = Number.parseInt(text, 10);
  return pid > 0 && isRunning(pid);
}
