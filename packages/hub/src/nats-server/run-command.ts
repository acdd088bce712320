import { spawn } from "node:child_process";

/** How a command ended and what it said. */
export type CommandResult = {
  /** Exit code, or undefined when a signal or the deadline ended it. */
  readonly code: number | undefined;
  readonly stdout: string;
  readonly stderr: string;
};

/** Keeps a runaway command from filling memory; the outputs read here are a few lines. */
const MAX_OUTPUT_CHARS = 1_000_000;

/**
 * Runs a command to its end and returns what it printed, whatever its exit code.
 * @throws when it cannot be started, runs past `timeoutMs`, or `signal` aborts.
 */
export function runCommand(
  command: string,
  args: readonly string[],
  options: {
    readonly timeoutMs: number;
    readonly cwd?: string;
    readonly env?: NodeJS.ProcessEnv;
    readonly signal?: AbortSignal | undefined;
  },
): Promise<CommandResult> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      stdio: ["ignore", "pipe", "pipe"],
      windowsHide: true,
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
      ...(options.env === undefined ? {} : { env: options.env }),
    });
    let stdout = "";
    let stderr = "";
    let failure: Error | undefined;
    const end = (error: Error) => {
      failure ??= error;
      child.kill("SIGKILL");
    };
    const timer = setTimeout(() => {
      end(new Error(`${command} did not end within ${options.timeoutMs / 1000} s`));
    }, options.timeoutMs);
    const onAbort = () => end(new Error(`${command} was interrupted`));
    options.signal?.addEventListener("abort", onAbort, { once: true });
    if (options.signal?.aborted) {
      onAbort();
    }
    const done = () => {
      clearTimeout(timer);
      options.signal?.removeEventListener("abort", onAbort);
    };
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      stdout = (stdout + text).slice(-MAX_OUTPUT_CHARS);
    });
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      stderr = (stderr + text).slice(-MAX_OUTPUT_CHARS);
    });
    child.on("error", (error) => {
      done();
      reject(error);
    });
    child.on("close", (code) => {
      done();
      if (failure === undefined) {
        resolve({ code: code ?? undefined, stdout, stderr });
      } else {
        reject(failure);
      }
    });
  });
}
