import { type ChildProcess, execFile, spawn } from "node:child_process";
import { promisify } from "node:util";
import { pickFreePort } from "@conat/hub/nats-server";

const START_DEADLINE_MS = 20_000;
const run = promisify(execFile);

/** A Redis that keeps everything in memory and nothing on disk, which is its fastest way. */
export class Redis {
  readonly port: number;
  readonly #child: ChildProcess;
  readonly #exited: Promise<void>;

  private constructor(port: number) {
    this.port = port;
    const memoryOnly = ["--save", "", "--appendonly", "no"];
    this.#child = spawn(
      "redis-server",
      ["--port", String(port), "--bind", "127.0.0.1", ...memoryOnly],
      { stdio: ["ignore", "pipe", "inherit"] },
    );
    this.#exited = new Promise((resolve) => {
      this.#child.once("exit", () => resolve());
      this.#child.once("error", () => resolve());
    });
    process.once("exit", () => this.#child.kill("SIGKILL"));
  }

  /** @throws Error when it does not start */
  static async start(): Promise<Redis> {
    const redis = new Redis(await pickFreePort());
    await new Promise<void>((resolve, reject) => {
      const fail = (): void => reject(new Error("redis-server did not start"));
      const timer = setTimeout(fail, START_DEADLINE_MS);
      void redis.#exited.then(fail);
      redis.#child.stdout?.setEncoding("utf8").on("data", (text: string) => {
        if (!text.includes("Ready to accept connections")) return;
        clearTimeout(timer);
        resolve();
      });
    });
    return redis;
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  async stop(): Promise<void> {
    this.#child.kill("SIGTERM");
    await this.#exited;
  }
}

/**
 * Makes sure that there is a redis-server, from Debian's package where that is possible.
 * @throws Error when there is none and none can be had
 */
export async function provideRedis(log: (line: string) => void): Promise<void> {
  if (await hasRedis()) return;
  log("installing redis-server for the comparison with @prsm/realtime");
  const apt = (...args: string[]): Promise<unknown> =>
    run("apt-get", ["-y", "-q", ...args], {
      env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" },
    });
  const install = ["install", "--no-install-recommends", "redis-server"];
  try {
    await apt(...install).catch(async () => {
      await apt("update");
      await apt(...install);
    });
  } catch {
    throw new Error("there is no redis-server, and apt-get cannot install one: install Redis");
  }
}

async function hasRedis(): Promise<boolean> {
  return run("redis-server", ["--version"]).then(
    () => true,
    () => false,
  );
}
