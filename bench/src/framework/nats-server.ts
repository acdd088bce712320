import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const START_DEADLINE_MS = 20_000;
const STOP_DEADLINE_MS = 5_000;

/**
 * A nats-server with JetStream on loopback and an empty folder, which everybody may use: raw clients, hubs and
 * sessions share it. It flushes once a second, as the hub's own server does.
 */
export class NatsServer {
  readonly #child: ChildProcess;
  readonly #dir: string;
  readonly #exited: Promise<void>;
  #url = "";

  private constructor(child: ChildProcess, dir: string) {
    this.#child = child;
    this.#dir = dir;
    this.#exited = new Promise((resolve) => {
      child.once("exit", () => resolve());
      child.once("error", () => resolve());
    });
  }

  /** @throws Error when it does not start */
  static async start(binary: string): Promise<NatsServer> {
    const dir = mkdtempSync(join(tmpdir(), "conat-bench-"));
    const config = join(dir, "nats.conf");
    writeFileSync(
      config,
      `listen: "127.0.0.1:-1"
max_payload: 8MB
max_control_line: 8192
jetstream { store_dir: ${JSON.stringify(join(dir, "data"))}, sync_interval: "1s" }
`,
    );
    const [program, ...args] = [...dyingWithParent(), binary, "-c", config];
    const child = spawn(program, args, { stdio: ["ignore", "ignore", "pipe"] });
    const server = new NatsServer(child, dir);
    try {
      server.#url = `nats://127.0.0.1:${await server.#port()}`;
      return server;
    } catch (error) {
      await server.stop();
      throw error;
    }
  }

  get url(): string {
    return this.#url;
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** Ends the server and removes its folder. */
  async stop(): Promise<void> {
    this.#child.kill("SIGTERM");
    const timer = setTimeout(() => this.#child.kill("SIGKILL"), STOP_DEADLINE_MS);
    await this.#exited;
    clearTimeout(timer);
    rmSync(this.#dir, { recursive: true, force: true });
  }

  #port(): Promise<number> {
    return new Promise((resolve, reject) => {
      let log = "";
      const fail = (): void => reject(new Error(`nats-server did not start: ${log.slice(-500)}`));
      const timer = setTimeout(fail, START_DEADLINE_MS);
      void this.#exited.then(fail);
      this.#child.stderr?.setEncoding("utf8").on("data", (text: string) => {
        log = (log + text).slice(-10_000);
        const port = /client connections on [^\n]*:(\d+)/.exec(log)?.[1];
        if (port === undefined || !log.includes("Server is ready")) return;
        clearTimeout(timer);
        resolve(Number(port));
      });
    });
  }
}

/** On Linux the kernel ends the server when the bench is killed and cannot. */
function dyingWithParent(): [string, ...string[]] | [] {
  try {
    execFileSync("setpriv", ["--version"], { stdio: "ignore" });
    return ["setpriv", "--pdeathsig", "KILL"];
  } catch {
    return [];
  }
}
