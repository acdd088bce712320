import { readFileSync } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { useTestNats } from "@conat/conat/testing";
import { type Hub, startHub } from "@conat/hub";
import { type Browser, chromium, type Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { buildExample } from "./build-example.ts";
import { CHROMIUM_ARGS } from "./workspace-kit.ts";

const chromiumPath = process.env.CONAT_CHROMIUM;
const PROGRAM = join(import.meta.dirname, "../examples/minimal/main.tsx");

describe("the smallest application", () => {
  const nats = useTestNats();
  let staticDir: string;
  let hub: Hub;
  let browser: Browser;

  beforeAll(async () => {
    if (chromiumPath === undefined) throw new Error("set CONAT_CHROMIUM to the path of a Chromium");
    staticDir = await buildExample("minimal");
    hub = await startHub({ port: 0, dev: true, staticDir, natsUrl: nats().url });
    browser = await chromium.launch({ executablePath: chromiumPath, args: [...CHROMIUM_ARGS] });
  });
  afterAll(async () => {
    await browser?.close();
    await hub?.close();
    if (staticDir !== undefined) await rm(staticDir, { recursive: true, force: true });
  });

  async function openWindow(): Promise<Page> {
    const page = await browser.newPage();
    await page.goto(hub.url);
    return page;
  }

  it("counts the clicks of everybody, and has them again after a reload", async () => {
    const [ada, ben] = await Promise.all([openWindow(), openWindow()]);
    const count = (page: Page, times: number) =>
      page.getByRole("button", { name: `Everybody together clicked ${times} times` });
    await count(ada, 0).click();
    await count(ben, 1).click();
    await count(ada, 2).click();
    await count(ben, 3).waitFor();
    await ben.reload();
    await count(ben, 3).waitFor();
  });

  it("is one file of about 20 lines", () => {
    expect(readFileSync(PROGRAM, "utf8").trimEnd().split("\n").length).toBeLessThanOrEqual(20);
  });
});
