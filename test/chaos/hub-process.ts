import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath, pathToFileURL } from "node:url";
import { pickFreePort } from "@conat/hub/nats-server";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const PARENT_WATCH = pathToFileURL(`${ROOT}scripts/parent-watch.mjs`).href;

/** A hub gives up where it reaches nothing for 30 s; what supervises it starts it again. */
const MAX_STARTS = 3;

/** A hub in a process of its own, started as an operator starts it. */
export class HubProcess {
  readonly #args: readonly string[];
  #child: ChildProcess | undefined;
  #exited: Promise<unknown> = Promise.resolve();
  #port = 0;
  #log = "";

  constructor(args: readonly string[]) {
    this.#args = args;
  }

  /** `undefined` while it takes no connections. */
  get port(): number | undefined {
    return this.#child === undefined ? undefined : this.#port;
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  /** What it printed since it was last started. */
  get log(): string {
    return this.#log;
  }

  /** Starts it, the second time on the same port. */
  async start(): Promise<void> {
    this.#log = "";
    // Not left to the system: it gives what it chose to outgoing connections as well, while the hub is down.
    this.#port ||= await pickFreePort();
    for (let starts = 1; !(await this.#tryStart()); starts += 1) {
      if (starts === MAX_STARTS) throw new Error(`the hub did not start: ${this.#log.trim()}`);
    }
  }

  async #tryStart(): Promise<boolean> {
    const child = spawn(
      process.execPath,
      [
        ...["--conditions=source", "--import", "tsx", "--import", PARENT_WATCH],
        ...[`${ROOT}packages/hub/src/main.ts`, "--port", String(this.#port), ...this.#args],
      ],
      { cwd: ROOT, stdio: ["ignore", "pipe", "pipe"] },
    );
    this.#exited = once(child, "exit").then(() => {
      if (this.#child === child) this.#child = undefined;
    });
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      this.#log = (this.#log + text).slice(-65_536);
    });
    for await (const line of createInterface({ input: child.stdout })) {
      if (!line.startsWith("conat: http:")) continue;
      this.#child = child;
      return true;
    }
    await this.#exited;
    return false;
  }

  signal(signal: NodeJS.Signals): void {
    this.#child?.kill(signal);
  }

  /** Ends it with a signal and resolves when it is gone. */
  async end(signal: "SIGTERM" | "SIGKILL"): Promise<void> {
    const child = this.#child;
    // No new connections: as a load balancer sees it.
    this.#child = undefined;
    child?.kill(signal);
    await this.#exited;
  }
}
