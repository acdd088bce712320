import { spawn } from "node:child_process";
import { once } from "node:events";
import { expect, it } from "vitest";

const MAIN = `${import.meta.dirname}/main.ts`;

/** What `npm run soak` prints, and its exit code. */
async function soak(...args: string[]): Promise<{ code: unknown; text: string }> {
  const node = ["--expose-gc", "--conditions=source", "--import", "tsx", MAIN, ...args];
  const child = spawn(process.execPath, node, { cwd: import.meta.dirname });
  let text = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (chunk: string) => {
      text += chunk;
    });
  }
  const [code] = await once(child, "close");
  return { code, text };
}

it("10,000 stores that are opened and closed leave nothing behind, behind a hub and straight on NATS", async () => {
  const { code, text } = await soak("--opens", "10000");
  expect(text).toContain("10000 stores behind a hub, opened and closed");
  expect(text).toContain("10000 stores straight on NATS, opened and closed");
  expect(text).toContain("nothing is left behind");
  expect(code).toBe(0);
}, 300_000);

it("clients that come and go leave nothing behind", async () => {
  const { code, text } = await soak("--seconds", "0");
  expect(text).toContain("500 connections behind a hub, opened and closed");
  expect(text).toContain("500 connections straight on NATS, opened and closed");
  expect(text).toContain("nothing is left behind");
  expect(code).toBe(0);
}, 300_000);
