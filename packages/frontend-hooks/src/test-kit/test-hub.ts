import { type ChildProcess, fork } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { get } from "node:http";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const PROGRAM = join(dirname(fileURLToPath(import.meta.url)), "hub-process.ts");
const RUN_TYPESCRIPT = ["--conditions=source", "--import", "tsx"];

/** A real hub with a nats-server of its own, child of this process. */
export class TestHub {
  readonly #folder: string;
  #child: ChildProcess | undefined;
  #url = "";

  private constructor(folder: string) {
    this.#folder = folder;
  }

  static async start(): Promise<TestHub> {
    const hub = new TestHub(await mkdtemp(join(tmpdir(), "conat-hooks-")));
    await hub.start();
    return hub;
  }

  /** The same over restarts. */
  get url(): string {
    return this.#url;
  }

  /** Starts again after {@link stop}, with the data it had. */
  async start(): Promise<void> {
    const port = this.#url === "" ? "0" : new URL(this.#url).port;
    const child = fork(PROGRAM, [port, this.#folder], { execArgv: RUN_TYPESCRIPT });
    this.#child = child;
    this.#url = await new Promise((resolve, reject) => {
      child.once("message", (url) => resolve(String(url)));
      child.once("exit", (code) => reject(new Error(`the hub exited with ${code}`)));
    });
  }

  async stop(): Promise<void> {
    const child = this.#child;
    if (child === undefined) return;
    this.#child = undefined;
    const exited = new Promise((resolve) => child.once("exit", resolve));
    child.disconnect();
    await exited;
  }

  async remove(): Promise<void> {
    await this.stop();
    await rm(this.#folder, { recursive: true, force: true });
  }

  /** What the hub counts under a name. */
  async metric(name: string): Promise<number> {
    const text = await new Promise<string>((resolve, reject) => {
      get(`${this.#url}/metrics`, (response) => {
        let body = "";
        response.on("data", (chunk) => {
          body += chunk;
        });
        response.on("end", () => resolve(body));
      }).on("error", reject);
    });
    return Number(new RegExp(`^${name} (\\S+)$`, "m").exec(text)?.[1]);
  }
}
