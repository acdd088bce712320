import { type ChildProcess, spawn } from "node:child_process";
import { accessSync, constants, rmSync } from "node:fs";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { eventually } from "./eventually.ts";

/** A server says it is ready within 30 ms, or 1 s per million keys it recovers; a loaded machine is slower. */
const START_TIMEOUT_MS = 20_000;

/** How long a server may take to end after SIGTERM before it is killed. */
const STOP_TIMEOUT_MS = 5_000;

export interface TestNatsOptions {
  /** Port to listen on. @default a free one */
  readonly port?: number | undefined;
  /** Most bytes JetStream keeps on disk, in nats-server's notation, such as `10MB`. @default no limit of its own */
  readonly maxFile?: string | undefined;
  /** Most bytes JetStream keeps in memory, in nats-server's notation. @default no limit of its own */
  readonly maxMemory?: string | undefined;
  /** Where the server keeps its data; created if missing and not removed. @default a temporary folder, removed by `stop` */
  readonly storeDir?: string | undefined;
  /** How often the server flushes to disk, in nats-server's notation, such as `always`. @default "1s" */
  readonly syncInterval?: string | undefined;
  /** Off for a server without JetStream. @default true */
  readonly jetstream?: boolean | undefined;
  /** More lines for the configuration file, such as `authorization { token: "t" }`. */
  readonly config?: readonly string[] | undefined;
}

/** A real nats-server, child of this process. It never outlives the process. */
export interface TestNats extends AsyncDisposable {
  /** `nats://127.0.0.1:<port>`; the port stays the same over restarts. */
  readonly url: string;
  readonly port: number;
  /** Process id, or `undefined` while it is not running. */
  readonly pid: number | undefined;
  /** What the server logged since it was last started. */
  log(): string;
  /** Ends the server and removes its folder. Idempotent. */
  stop(): Promise<void>;
  /** Sends a signal, and resolves when the server has exited if the signal ends it. @default "SIGKILL" */
  kill(signal?: NodeJS.Signals): Promise<void>;
  /** Starts the server again on the same port and folder; ends it first if it is running. */
  restart(): Promise<void>;
}

/**
 * Starts a nats-server with JetStream on a free loopback port and a temporary folder. The binary is `CONAT_NATS_SERVER`
 * or `nats-server` on PATH.
 * @throws Error with one sentence when there is no binary or it does not start.
 */
export async function startTestNats(options: TestNatsOptions = {}): Promise<TestNats> {
  const binary = findNatsServer();
  const dir = await mkdtemp(join(tmpdir(), "conat-nats-"));
  const server = new TestServer(binary, dir, options);
  try {
    await server.restart();
  } catch (error) {
    await server.stop();
    throw error;
  }
  return server;
}

function findNatsServer(): string {
  const named = process.env.CONAT_NATS_SERVER;
  if (named !== undefined && named !== "") {
    if (isExecutable(named)) return named;
    throw new Error(`CONAT_NATS_SERVER names ${named}, which is not an executable file.`);
  }
  const found = findOnPath("nats-server");
  if (found !== undefined) return found;
  throw new Error(
    "There is no nats-server: set CONAT_NATS_SERVER to the path of one, version 2.12 or newer, or run `npm test`, which gets one.",
  );
}

function findOnPath(program: string): string | undefined {
  for (const folder of (process.env.PATH ?? "").split(delimiter)) {
    const path = join(folder, program);
    if (folder !== "" && isExecutable(path)) return path;
  }
  return undefined;
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

interface Running {
  readonly child: ChildProcess;
  readonly exited: Promise<void>;
}

class TestServer implements TestNats {
  readonly #binary: string;
  readonly #dir: string;
  readonly #options: TestNatsOptions;
  #running: Running | undefined;
  #port: number | undefined;
  #log = "";
  readonly #onProcessExit = (): void => {
    this.#running?.child.kill("SIGKILL");
    rmSync(this.#dir, { recursive: true, force: true });
  };

  constructor(binary: string, dir: string, options: TestNatsOptions) {
    this.#binary = binary;
    this.#dir = dir;
    this.#options = options;
    this.#port = options.port;
    process.on("exit", this.#onProcessExit);
  }

  get port(): number {
    if (this.#port === undefined) throw new Error("the nats-server has not started");
    return this.#port;
  }

  get url(): string {
    return `nats://127.0.0.1:${this.port}`;
  }

  get pid(): number | undefined {
    return this.#running?.child.pid;
  }

  log(): string {
    return this.#log;
  }

  async kill(signal: NodeJS.Signals = "SIGKILL"): Promise<void> {
    const running = this.#running;
    if (running === undefined) throw new Error("the nats-server is not running");
    running.child.kill(signal);
    if (signal === "SIGSTOP") await untilStopped(running.child.pid);
    else if (signal !== "SIGCONT") await running.exited;
  }

  async restart(): Promise<void> {
    await this.#end();
    const file = join(this.#dir, "nats.conf");
    await writeFile(file, this.#config());
    this.#log = "";
    const [program, args] = dyingWithParent(this.#binary, ["-c", file]);
    const child = spawn(program, args, { stdio: ["ignore", "ignore", "pipe"] });
    const exited = new Promise<void>((resolve) => {
      child.once("exit", () => resolve());
      child.once("error", () => resolve());
    });
    const running: Running = { child, exited };
    this.#running = running;
    void exited.then(() => {
      if (this.#running === running) this.#running = undefined;
    });
    this.#port = await this.#started(running);
  }

  async stop(): Promise<void> {
    await this.#end();
    process.off("exit", this.#onProcessExit);
    await rm(this.#dir, { recursive: true, force: true });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  async #end(): Promise<void> {
    const running = this.#running;
    if (running === undefined) return;
    running.child.kill("SIGTERM");
    running.child.kill("SIGCONT");
    const timer = setTimeout(() => running.child.kill("SIGKILL"), STOP_TIMEOUT_MS);
    await running.exited;
    clearTimeout(timer);
  }

  #config(): string {
    const { maxFile, maxMemory, storeDir, syncInterval = "1s", jetstream = true } = this.#options;
    const lines = [
      `listen: "127.0.0.1:${this.#port ?? -1}"`,
      "max_payload: 8MB",
      "max_control_line: 8192",
      ...(this.#options.config ?? []),
    ];
    if (jetstream) {
      lines.push(
        "jetstream {",
        `  store_dir: ${JSON.stringify(storeDir ?? join(this.#dir, "data"))}`,
        `  sync_interval: ${JSON.stringify(syncInterval)}`,
      );
      if (maxFile !== undefined) lines.push(`  max_file_store: ${maxFile}`);
      if (maxMemory !== undefined) lines.push(`  max_memory_store: ${maxMemory}`);
      lines.push("}");
    }
    return `${lines.join("\n")}\n`;
  }

  #started({ child, exited }: Running): Promise<number> {
    return new Promise((resolve, reject) => {
      const fail = (what: string): void => {
        child.kill("SIGKILL");
        reject(new Error(`nats-server ${what}: ${lastLine(this.#log)}`));
      };
      const timer = setTimeout(() => fail("was not ready in time"), START_TIMEOUT_MS);
      void exited.then(() => {
        clearTimeout(timer);
        fail("exited");
      });
      child.stderr?.setEncoding("utf8").on("data", (text: string) => {
        this.#log = (this.#log + text).slice(-65_536);
        if (!this.#log.includes("Server is ready")) return;
        const port = /client connections on [^\n]*:(\d+)/.exec(this.#log)?.[1];
        clearTimeout(timer);
        if (port !== undefined) resolve(Number(port));
      });
    });
  }
}

/** A signal stops the threads of a process one after the other, and not at once. */
async function untilStopped(pid: number | undefined): Promise<void> {
  if (process.platform !== "linux" || pid === undefined) return;
  await eventually(async () => {
    const threads = await readdir(`/proc/${pid}/task`);
    for (const thread of threads) {
      const stat = await readFile(`/proc/${pid}/task/${thread}/stat`, "utf8");
      if (!/^T/i.test(stat.slice(stat.lastIndexOf(")") + 2))) return false;
    }
    return true;
  });
}

/** On Linux the kernel ends the server when this process is killed and cannot. */
function dyingWithParent(program: string, args: string[]): [string, string[]] {
  const setpriv = process.platform === "linux" ? findOnPath("setpriv") : undefined;
  return setpriv === undefined
    ? [program, args]
    : [setpriv, ["--pdeathsig", "KILL", program, ...args]];
}

function lastLine(log: string): string {
  return log.trim().split("\n").at(-1) ?? "";
}
