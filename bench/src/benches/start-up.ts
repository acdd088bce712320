import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
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
      title: "start of a hub's process, from source, to its first served store",
      unit: "ms",
      metric: value("ms"),
      targets: [atMost(400, "unit")],
    },
  ],
  async open(stage) {
    const nats = await stage.nats();
    const measure = async (): Promise<Sample> => {
      const started = performance.now();
      const hub = await stage.hub({ natsUrl: nats.url });
      await using client = connect({ address: hub.url, identity: { project_id: "bench" } });
      await dkv({ client, project_id: "bench", name: "first" });
      const ms = performance.now() - started;
      return { operations: 1, seconds: ms / 1_000, values: { ms } };
    };
    return [{ name: "conat", role: "conat", processes: { nats: nats.pid }, measure }];
  },
};

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
        const ms = await untilUrl(["start", "--", "--port", "0", "--data-dir", dir]);
        return { operations: 1, seconds: ms / 1_000, values: { ms } };
      } finally {
        rmSync(dir, { recursive: true, force: true });
      }
    };
    return [{ name: "conat", role: "conat", processes: {}, measure }];
  },
};

/** Runs npm until it prints an address, ends it again, and resolves with the time to the address in milliseconds. */
async function untilUrl(args: readonly string[]): Promise<number> {
  const started = performance.now();
  const child = spawn("npm", args, { cwd: ROOT, stdio: ["ignore", "pipe", "pipe"] });
  const exited = new Promise<void>((resolve) => child.once("close", () => resolve()));
  let output = "";
  let ms = Number.NaN;
  const timer = setTimeout(() => child.kill("SIGTERM"), START_DEADLINE_MS);
  const read = (text: string): void => {
    output += text;
    if (!Number.isNaN(ms) || !/https?:\/\/\S+/.test(output)) return;
    ms = performance.now() - started;
    child.kill("SIGTERM");
  };
  child.stdout.setEncoding("utf8").on("data", read);
  child.stderr.setEncoding("utf8").on("data", read);
  await exited;
  clearTimeout(timer);
  if (Number.isNaN(ms)) throw new Error(`npm start printed no address:\n${output.slice(-2_000)}`);
  return ms;
}
