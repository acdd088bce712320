// Preloaded into Node children (`node --import`): ends this process when its parent is gone.
import { isMainThread } from "node:worker_threads";

const POLL_MS = 250;
/** Time to end in good order. */
const GRACE_MS = 15_000;

if (isMainThread) {
  const parent = process.ppid;
  const timer = setInterval(() => {
    if (process.ppid !== parent) {
      clearInterval(timer);
      process.kill(process.pid, "SIGTERM");
      setTimeout(() => process.kill(process.pid, "SIGKILL"), GRACE_MS).unref();
    }
  }, POLL_MS);
  timer.unref();
}
