// Children that never outlive the script, whichever way the script is told to end.
import { spawn } from "node:child_process";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

/** A hub drains its clients and stops its nats-server in this time; then it is killed. */
const STOP_TIMEOUT_MS = 15_000;
const PARENT_POLL_MS = 250;
/** One Ctrl-C arrives twice under npm: from the terminal, and passed on by npm. */
const SAME_SIGNAL_MS = 1_000;

/** A preload for Node children that ends them when their parent is killed by force. */
export const PARENT_WATCH = pathToFileURL(join(import.meta.dirname, "parent-watch.mjs")).href;

/** @type {Map<import("node:child_process").ChildProcess, Promise<unknown>>} */
const running = new Map();
let isEnding = false;
let endingSince = 0;

/**
 * Runs a program to its end. It gets a process group of its own, so that a Ctrl-C reaches it once,
 * through `endWithParent`, and not a second time from the terminal.
 * @param {string} command
 * @param {string[]} args
 * @param {import("node:child_process").SpawnOptions & { onOutput?: (text: string) => void }} [options]
 *   `onOutput` takes what it prints instead of the terminal.
 * @returns {Promise<number>} its exit code; 128 and the like for a signal; 127 when it cannot start
 */
export function run(command, args, { onOutput, ...options } = {}) {
  if (isEnding) {
    // Never settles: the script is about to exit, and must not take the next step before.
    return new Promise(() => {});
  }
  const child = spawn(command, args, {
    stdio: onOutput ? ["ignore", "pipe", "pipe"] : ["ignore", "inherit", "inherit"],
    detached: process.platform !== "win32",
    windowsHide: true,
    ...options,
  });
  child.stdout?.setEncoding("utf8").on("data", onOutput);
  child.stderr?.setEncoding("utf8").on("data", onOutput);
  const ended = new Promise((resolve) => {
    child.on("error", (error) => {
      onOutput?.(`${error.message}\n`);
      resolve(127);
    });
    child.on("close", (code, signal) => resolve(code ?? (signal === "SIGINT" ? 130 : 143)));
  });
  running.set(child, ended);
  return ended
    .finally(() => running.delete(child))
    .then((code) => (isEnding ? new Promise(() => {}) : code));
}

/**
 * Ends the script and its children on Ctrl-C, on SIGTERM and when the parent process is gone;
 * call once, at the start. A second Ctrl-C does not wait for anybody.
 */
export function endWithParent() {
  for (const [signal, code] of /** @type {const} */ ([
    ["SIGINT", 130],
    ["SIGTERM", 143],
    ["SIGHUP", 129],
  ])) {
    process.on(signal, () => void end(code));
  }
  // npm that is killed together with its shell tells nobody.
  const parent = process.ppid;
  setInterval(() => {
    if (process.ppid !== parent) {
      void end(143);
    }
  }, PARENT_POLL_MS).unref();
}

/** @param {number} code */
async function end(code) {
  if (isEnding) {
    if (performance.now() - endingSince > SAME_SIGNAL_MS) {
      signalAll("SIGKILL");
    }
    return;
  }
  isEnding = true;
  endingSince = performance.now();
  signalAll("SIGTERM");
  setTimeout(() => signalAll("SIGKILL"), STOP_TIMEOUT_MS).unref();
  const codes = await Promise.all(running.values());
  // A program that was asked to end and did so cleanly is no failure; npm would report one.
  process.exit(codes.length > 0 && codes.every((each) => each === 0) ? 0 : code);
}

/** @param {NodeJS.Signals} signal */
function signalAll(signal) {
  for (const { pid } of running.keys()) {
    // Negative: the whole group; a program that shares this script's group has none of its own.
    const targets = pid === undefined ? [] : process.platform === "win32" ? [pid] : [-pid, pid];
    targets.some((target) => {
      try {
        return process.kill(target, signal);
      } catch {
        return false;
      }
    });
  }
}
