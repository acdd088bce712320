import { spawn } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { isRunning } from "../packages/hub/src/nats-server/processes.ts";
import { eventually } from "../packages/hub/src/nats-server/test-kit/eventually.ts";

/** The demo page may have to be built first, on a busy machine. */
const START_TIMEOUT_MS = 60_000;

/** @param {string[]} args */
function start(...args) {
  const child = spawn(process.execPath, [join(import.meta.dirname, "start.mjs"), ...args], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  onTestFinished(() => {
    child.kill("SIGKILL");
  });
  const said = { output: "" };
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text) => {
      said.output += text;
    });
  }
  const exited = new Promise((resolve) => {
    child.on("close", (code, signal) => resolve(code ?? signal));
  });
  return { child, said, exited };
}

it("shows its own options and the hub's", async () => {
  const { said, exited } = start("--help");
  expect(await exited).toBe(0);
  expect(said.output).toContain("--app <name>");
  expect(said.output).toContain("--port");
});

it("says which applications there are when it is asked for another", async () => {
  const { said, exited } = start("--app", "nothing");
  expect(await exited).toBe(1);
  expect(said.output).toBe("--app takes the name of an application: demo or workspace.\n");
});

it(
  "serves the demo page, and leaves nothing running after SIGTERM",
  async () => {
    const folder = await mkdtemp(join(tmpdir(), "conat start-"));
    onTestFinished(() => rm(folder, { recursive: true, force: true, maxRetries: 3 }));
    const { child, said, exited } = start("--port", "0", "--data-dir", folder);
    const url = () => /http:\/\/\S+/.exec(said.output)?.[0];
    await eventually(
      "the hub prints its address",
      () => url() !== undefined || child.exitCode !== null,
      START_TIMEOUT_MS,
    );
    const page = await fetch(url() ?? said.output);
    expect(page.status).toBe(200);
    expect(await page.text()).toMatch(/<!doctype html>/i);
    const serverPid = Number(await readFile(join(folder, "nats-server.pid"), "utf8"));
    expect(await isRunning(serverPid)).toBe(true);

    child.kill("SIGTERM");
    expect(await exited).toBe(0);
    expect(await isRunning(serverPid)).toBe(false);
  },
  START_TIMEOUT_MS * 2,
);
