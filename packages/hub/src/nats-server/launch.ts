import { type ChildProcess, spawn } from "node:child_process";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { isMainThread } from "node:worker_threads";
import { type LogLine, parseLogLine } from "./log-line.ts";
import { signalProcess } from "./processes.ts";
import { runCommand } from "./run-command.ts";

/**
 * How a server is tied to its data folder and to this process:
 * - `native` (Linux): the kernel holds a lock on the folder for as long as the server lives, and
 *   ends the server when this process dies, however it dies
 * - `wrapper` (elsewhere): a small process in between ends the server when its input closes,
 *   which happens when this process dies
 */
export type LaunchMode = "native" | "wrapper";

/** How a server ended. */
export type ServerExit = {
  readonly code: number | undefined;
  readonly signal: NodeJS.Signals | undefined;
};

/** A started server process. */
export type LaunchedServer = {
  /** The server's own process id, also behind a wrapper; undefined until it is known. */
  readonly pid: () => number | undefined;
  readonly exited: Promise<ServerExit>;
  /** False when it has ended. */
  readonly send: (signal: NodeJS.Signals) => boolean;
  /** Most telling line so far: the last one that was a warning or worse, else the last one. */
  readonly lastWords: () => string;
};

/** What `flock` exits with when another process holds the lock; not a code nats-server uses. */
export const LOCKED_EXIT_CODE = 75;

/** Time for the server of a process that was just killed to shut down and let go of the folder. */
const LOCK_WAIT_SECONDS = 2;
const DETECT_TIMEOUT_MS = 2_000;
/** What a program has written when it ends is read at once; later nobody writes but a child it has left behind. */
const LAST_LINES_MS = 500;

/**
 * Runs under `node -e`: starts the server, reports its pid and its exit as JSON lines on stdout,
 * and ends it when stdin closes. As text, so that it needs no file next to the built package.
 */
const WRAPPER_SOURCE = `
const { spawn } = require("node:child_process");
const [, binary, ...args] = process.argv;
const child = spawn(binary, args, { stdio: ["ignore", "ignore", "inherit"], windowsHide: true });
const say = (message) => process.stdout.write(JSON.stringify(message) + "\\n");
const end = () => {
  child.kill("SIGCONT");
  child.kill("SIGTERM");
  setTimeout(() => child.kill("SIGKILL"), 5000).unref();
};
process.stdout.on("error", () => undefined);
process.stdin.on("end", end).on("error", end).resume();
process.on("SIGTERM", end).on("SIGINT", end).on("SIGHUP", end);
child.on("error", (error) => process.stderr.write(error.message + "\\n", () => process.exit(127)));
child.on("spawn", () => say({ pid: child.pid }));
child.on("exit", (code, signal) => {
  say({ code, signal });
  process.exit(code ?? 1);
});
`;

/** The best mode that works here, tried for real in `folder`. */
export async function detectLaunchMode(folder: string): Promise<LaunchMode> {
  // The kernel ties a child to the thread that started it, and a worker ends before its process.
  if (process.platform !== "linux" || !isMainThread) {
    return "wrapper";
  }
  try {
    const { code } = await runCommand(
      "flock",
      [...lockArguments(join(folder, "nats-server.probe"), 0), "true"],
      { timeoutMs: DETECT_TIMEOUT_MS },
    );
    return code === 0 || code === LOCKED_EXIT_CODE ? "native" : "wrapper";
  } catch {
    return "wrapper";
  }
}

/**
 * Moves a folder while no server has the data, which the lock tells. Does nothing when one has: the start that follows
 * fails by name.
 */
export async function moveUnderLock(lockFile: string, from: string, to: string): Promise<void> {
  await runCommand("flock", [...lockArguments(lockFile, LOCK_WAIT_SECONDS), "mv", from, to], {
    timeoutMs: LOCK_WAIT_SECONDS * 1_000 + DETECT_TIMEOUT_MS,
  });
}

/** Starts a server; it may still refuse its configuration a moment later. */
export function launchServer(options: {
  readonly mode: LaunchMode;
  readonly binary: string;
  readonly configFile: string;
  readonly lockFile: string;
  readonly onLine: (line: LogLine) => void;
}): LaunchedServer {
  const command = [options.binary, "-c", options.configFile];
  const isNative = options.mode === "native";
  const child = isNative
    ? startDetached(
        "flock",
        [...lockArguments(options.lockFile, LOCK_WAIT_SECONDS), ...command],
        "ignore",
      )
    : startDetached(process.execPath, ["-e", WRAPPER_SOURCE, "--", ...command], "pipe");

  let lastLine = "";
  let lastWarning = "";
  if (child.stderr !== null) {
    createInterface({ input: child.stderr }).on("line", (text) => {
      const line = parseLogLine(text);
      if (line.message === "") {
        return;
      }
      lastLine = line.message;
      if (line.level === "warn" || line.level === "error" || line.level === "fatal") {
        lastWarning = line.message;
      }
      options.onLine(line);
    });
  }
  const report = isNative ? undefined : readWrapperReports(child);
  const hasEnded = () => child.exitCode !== null || child.signalCode !== null;
  return {
    pid: () => (isNative ? child.pid : report?.pid),
    send: (signal) => {
      if (hasEnded()) {
        return false;
      }
      return report?.pid === undefined ? child.kill(signal) : signalProcess(report.pid, signal);
    },
    lastWords: () => lastWarning || lastLine,
    exited: new Promise((resolve) => {
      child.on("error", (error) => {
        lastWarning = error.message;
        resolve({ code: undefined, signal: undefined });
      });
      child.on("exit", (_code, signal) => {
        // A wrapper killed by force leaves its server behind, which also keeps "close" from coming.
        if (signal !== null && report?.pid !== undefined) {
          signalProcess(report.pid, "SIGKILL");
        }
        // Whoever else has the other end keeps "close" from coming as long as it likes.
        setTimeout(() => child.stderr?.destroy(), LAST_LINES_MS).unref();
      });
      // "close" comes after the last line was read, "exit" may come before.
      child.on("close", (code, signal) => {
        resolve(report?.exit ?? { code: code ?? undefined, signal: signal ?? undefined });
      });
    }),
  };
}

function lockArguments(lockFile: string, waitSeconds: number): string[] {
  const wait = waitSeconds === 0 ? ["-n"] : ["-w", String(waitSeconds)];
  const lock = [...wait, "-F", "-E", String(LOCKED_EXIT_CODE), lockFile];
  return [...lock, "setpriv", "--pdeathsig", "TERM"];
}

/** In a process group of its own: a Ctrl-C is for this process, which first lets its clients finish. */
function startDetached(
  command: string,
  args: string[],
  stdinAndStdout: "ignore" | "pipe",
): ChildProcess {
  return spawn(command, args, {
    stdio: [stdinAndStdout, stdinAndStdout, "pipe"],
    detached: process.platform !== "win32",
    windowsHide: true,
  });
}

type WrapperReport = { pid?: number; exit?: ServerExit };

function readWrapperReports(child: ChildProcess): WrapperReport {
  const report: WrapperReport = {};
  if (child.stdout !== null) {
    createInterface({ input: child.stdout }).on("line", (text) => {
      const said: { pid?: number; code?: number | null; signal?: NodeJS.Signals | null } =
        JSON.parse(text);
      if (said.pid === undefined) {
        report.exit = { code: said.code ?? undefined, signal: said.signal ?? undefined };
      } else {
        report.pid = said.pid;
      }
    });
  }
  return report;
}
