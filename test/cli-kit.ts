import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { eventually } from "@conat/conat/testing";

const ROOT = `${import.meta.dirname}/..`;
const MAIN = "packages/conat/src/cli/main.ts";

export interface CliResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CliOptions {
  /** What comes on standard input. */
  readonly stdin?: string | undefined;
  /** @default none */
  readonly env?: Record<string, string> | undefined;
}

/** The command as a process of its own, from the sources. */
export function startCli(args: readonly string[], { env = {} }: CliOptions = {}): RunningCli {
  const { CONAT_URL: _url, CONAT_TOKEN: _token, ...rest } = process.env;
  const node = ["--conditions=source", "--import", "tsx", MAIN, ...args];
  return new RunningCli(spawn(process.execPath, node, { cwd: ROOT, env: { ...rest, ...env } }));
}

/** Runs the command to its end. */
export async function runCli(
  args: readonly string[],
  options: CliOptions = {},
): Promise<CliResult> {
  const cli = startCli(args, options);
  cli.child.stdin.end(options.stdin ?? "");
  return cli.ended;
}

export class RunningCli {
  readonly child: ChildProcessWithoutNullStreams;
  readonly ended: Promise<CliResult>;
  #stdout = "";
  #stderr = "";

  constructor(child: ChildProcessWithoutNullStreams) {
    this.child = child;
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      this.#stdout += text;
    });
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      this.#stderr += text;
    });
    child.stdin.on("error", () => undefined);
    this.ended = new Promise((resolve, reject) => {
      child.on("error", reject);
      child.on("close", (code) => resolve({ code, stdout: this.#stdout, stderr: this.#stderr }));
    });
  }

  /** What was said beside the output. */
  get said(): string {
    return this.#stderr;
  }

  /** The complete lines printed so far, parsed. */
  get printed(): unknown[] {
    return parseLines(this.#stdout.slice(0, this.#stdout.lastIndexOf("\n") + 1));
  }

  /** Waits until so many lines are printed. */
  async lines(count: number): Promise<unknown[]> {
    return eventually(() => {
      const { printed } = this;
      if (printed.length < count) {
        throw new Error(`${printed.length} lines of ${count}: ${this.#stdout}${this.#stderr}`);
      }
      return printed;
    });
  }
}

/** Lines of JSON as values. */
export function parseLines(text: string): unknown[] {
  return text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line));
}
