import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { eventually } from "../../../conat/src/testing/eventually.ts";

const ROOT = fileURLToPath(new URL("../../../../", import.meta.url));
const MAIN = fileURLToPath(new URL("../main.ts", import.meta.url));

/** The hub's command as a process of its own. */
export class SpawnedHub {
  stdout = "";
  stderr = "";
  readonly child: ChildProcess;
  readonly #exited: Promise<number | null>;

  constructor(args: readonly string[], script = MAIN, env: NodeJS.ProcessEnv = {}) {
    this.child = spawn(
      process.execPath,
      ["--conditions=source", "--import", "tsx", script, ...args],
      // The variables that name options would change what the test asks for.
      {
        cwd: ROOT,
        env: { ...withoutOptions(process.env), ...env },
        stdio: ["ignore", "pipe", "pipe"],
      },
    );
    this.child.stdout?.on("data", (chunk: Buffer) => {
      this.stdout += chunk.toString();
    });
    this.child.stderr?.on("data", (chunk: Buffer) => {
      this.stderr += chunk.toString();
    });
    this.#exited = once(this.child, "close").then(([code]) => code);
  }

  /** The URL it prints when it is ready. */
  async url(): Promise<string> {
    return eventually(
      () => {
        const url = /^conat: (http\S+)\n/m.exec(this.stdout)?.[1];
        if (url === undefined) throw new Error(`no URL yet; ${this.stderr}`);
        return url;
      },
      { timeoutMs: 20_000 },
    );
  }

  /** Its exit code; null when a signal ended it. */
  exitCode(): Promise<number | null> {
    return this.#exited;
  }

  async kill(signal: NodeJS.Signals): Promise<number | null> {
    this.child.kill(signal);
    return this.#exited;
  }
}

function withoutOptions(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const { NATS_URL: _url, ...rest } = env;
  return Object.fromEntries(
    Object.entries(rest).filter(
      ([name]) => !name.startsWith("CONAT_") || name === "CONAT_NATS_SERVER",
    ),
  );
}

/** True while the process lives; one that has ended and was not waited for does not. */
export function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch {
    return false;
  }
  const status = `/proc/${pid}/stat`;
  if (!existsSync(status)) return process.platform !== "linux";
  try {
    return !/\) Z /.test(readFileSync(status, "utf8"));
  } catch {
    return false;
  }
}
