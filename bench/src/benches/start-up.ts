import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, extname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { connect, dkv } from "@conat/conat";
import { atMost, type Bench } from "../framework/bench.ts";
import { value } from "../framework/metrics.ts";
import type { Sample } from "../load/sample.ts";

const ROOT = join(import.meta.dirname, "../../..");
const START_DEADLINE_MS = 120_000;

/** From the start of a hub's process to a client that has a store; NATS runs already. */
export const hubStart: Bench = {
  name: "hub-start",
  rows: [
    {
      name: "hub-start",
      title: "start of a hub's process to its first served store",
      unit: "ms",
      metric: value("ms"),
      targets: [atMost(400, "unit")],
    },
  ],
  async open(stage) {
    const nats = await stage.nats();
    const measure = async (): Promise<Sample> => {
      const started = performance.now();
      const hub = await startCommand(process.execPath, [
        ...hubCommand(),
        ...["--dev", "--port", "0", "--nats-url", nats.url],
      ]);
      try {
        await using client = connect({ address: hub.url, identity: { project_id: "bench" } });
        await dkv({ client, project_id: "bench", name: "first" });
        const ms = performance.now() - started;
        return { operations: 1, seconds: ms / 1_000, values: { ms } };
      } finally {
        await hub.stop();
      }
    };
    return [{ name: "conat", role: "conat", processes: { nats: nats.pid }, measure }];
  },
};

/** The hub's program, in the form in which the bench itself uses it: compiled, or its source. */
function hubCommand(): string[] {
  const index = fileURLToPath(import.meta.resolve("@conat/hub"));
  const main = join(dirname(index), `main${extname(index)}`);
  return extname(index) === ".ts" ? [...process.execArgv, main] : [main];
}

/** `npm start` in a checkout that has been started before. */
export const npmStart: Bench = {
  name: "npm-start",
  rows: [
    {
      name: "npm-start",
      title: "npm start, not for the first time, until it prints its address",
      unit: "ms",
      metric: value("ms"),
      targets: [atMost(3_000, "unit")],
    },
  ],
  async open() {
    const measure = async (): Promise<Sample> => {
      const dir = mkdtempSync(join(tmpdir(), "conat-bench-start-"));
      try {
        const started = performance.now();
        const command = await startCommand("npm", [
          "start",
          "--",
          "--port",
          "0",
          "--data-dir",
          dir,
        ]);
        const ms = performance.now() - started;
        await command.stop();
        return { operations: 1, seconds: ms / 1_000, values: { ms } };
      } finally {
        rmSync(dir, { recursive: true, force: true });
      }
    };
    return [{ name: "conat", role: "conat", processes: {}, measure }];
  },
};

interface Command {
  /** The address that it has printed. */
  readonly url: string;
  stop(): Promise<void>;
}

/** Starts a program and resolves when it has printed an address. */
async function startCommand(program: string, args: readonly string[]): Promise<Command> {
  const child = spawn(program, args, { cwd: ROOT, stdio: ["ignore", "pipe", "pipe"] });
  const exited = new Promise<void>((resolve) => child.once("close", () => resolve()));
  const stop = async (): Promise<void> => {
    child.kill("SIGTERM");
    await exited;
  };
  let output = "";
  const printed = new Promise<string | undefined>((resolve) => {
    const read = (text: string): void => {
      output += text;
      const url = /https?:\/\/[^\s"]+/.exec(output)?.[0];
      if (url !== undefined) resolve(url);
    };
    child.stdout.setEncoding("utf8").on("data", read);
    child.stderr.setEncoding("utf8").on("data", read);
    void exited.then(() => resolve(undefined));
  });
  const timer = setTimeout(() => child.kill("SIGTERM"), START_DEADLINE_MS);
  const url = await printed;
  clearTimeout(timer);
  if (url !== undefined) return { url, stop };
  throw new Error(`${program} printed no address:\n${output.slice(-2_000)}`);
}
