import { spawn } from "node:child_process";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { expect, it, onTestFinished } from "vitest";
import { isRunning } from "../packages/hub/src/nats-server/processes.ts";
import { eventually } from "../packages/hub/src/nats-server/test-kit/eventually.ts";

const SCRIPT = join(import.meta.dirname, "test-kit/run-one.mjs");

/**
 * @param {string} command
 * @param {string[]} args
 */
async function start(command, args) {
  const top = spawn(command, args, { stdio: ["ignore", "pipe", "inherit"] });
  onTestFinished(() => {
    top.kill("SIGKILL");
  });
  const exited = new Promise((resolve) => {
    top.on("close", (code, signal) => resolve(code ?? signal));
  });
  /** @type {{ script?: number, child?: number, ended?: string }} */
  const said = {};
  createInterface({ input: top.stdout }).on("line", (line) => {
    Object.assign(said, JSON.parse(line));
  });
  await eventually("script and child run", () => said.child !== undefined);
  return { top, exited, said };
}

const gone = async (/** @type {number | undefined} */ pid) =>
  pid !== undefined && !(await isRunning(pid));

it("passes a child's exit code on", async () => {
  const { exited } = await start(process.execPath, [SCRIPT, "1"]);
  expect(await exited).toBe(7);
});

it("lets its child end cleanly on SIGTERM, and that is no failure", async () => {
  const { top, exited, said } = await start(process.execPath, [SCRIPT]);
  top.kill("SIGTERM");
  expect(await exited).toBe(0);
  expect(said.ended).toBe("cleanly");
  expect(await gone(said.child)).toBe(true);
});

it("takes the two signals of one Ctrl-C under npm for one", async () => {
  const { top, exited, said } = await start(process.execPath, [SCRIPT]);
  top.kill("SIGINT");
  top.kill("SIGINT");
  expect(await exited).toBe(0);
  expect(said.ended).toBe("cleanly");
});

it("leaves no child behind when it is killed by force", async () => {
  const { top, said } = await start(process.execPath, [SCRIPT]);
  top.kill("SIGKILL");
  await eventually("the child ends", () => gone(said.child));
});

it.skipIf(process.platform === "win32")("ends when its parent is killed by force", async () => {
  const command = `"${process.execPath}" "${SCRIPT}"; true`;
  const { top, said } = await start("sh", ["-c", command]);
  top.kill("SIGKILL");
  await eventually("the script ends", () => gone(said.script));
  await eventually("the child ends", () => gone(said.child));
});
