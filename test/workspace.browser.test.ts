import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { useTestNats } from "@conat/conat/testing";
import { type Hub, type ProjectGrants, startHub } from "@conat/hub";
import { type Browser, chromium } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startTcpProxy, type TcpProxy } from "./tcp-proxy.ts";
import { buildWorkspace, CHROMIUM_ARGS, WorkspaceWindow } from "./workspace-kit.ts";

const SCREENSHOTS = join(import.meta.dirname, "../test-output");
const chromiumPath = process.env.CONAT_CHROMIUM;

/** Ada comes straight to the hub, Ben over a line that can be cut. */
describe("the workspace, open in two browsers", () => {
  const nats = useTestNats();
  /** What the hub is told of the projects of each account. */
  const projects = new Map<string, ProjectGrants>();
  let staticDir: string;
  let hub: Hub;
  let line: TcpProxy;
  let browser: Browser;
  let ada: WorkspaceWindow;
  let ben: WorkspaceWindow;

  beforeAll(async () => {
    if (chromiumPath === undefined) throw new Error("set CONAT_CHROMIUM to the path of a Chromium");
    await mkdir(SCREENSHOTS, { recursive: true });
    for (const account of ["ada", "ben"]) projects.set(account, ["apollo", "garden"]);
    staticDir = await buildWorkspace();
    hub = await startHub({
      port: 0,
      dev: true,
      staticDir,
      natsUrl: nats().url,
      projects: (account) => projects.get(account) ?? [],
    });
    line = await startTcpProxy(hub.port);
    browser = await chromium.launch({ executablePath: chromiumPath, args: [...CHROMIUM_ARGS] });
    ada = await WorkspaceWindow.open(browser, hub.url, { account: "ada" });
    const benUrl = `http://127.0.0.1:${line.port}`;
    ben = await WorkspaceWindow.open(browser, benUrl, { account: "ben", scheme: "dark" });
  });
  afterAll(async () => {
    await browser?.close();
    await line?.close();
    await hub?.close();
    if (staticDir !== undefined) await rm(staticDir, { recursive: true, force: true });
  });

  describe("the board", () => {
    it("shows everybody the same cards, whoever adds and renames them", async () => {
      await ada.add("To do", "Fix the flaky test");
      await ada.add("To do", "Answer the museum's letter");
      await ben.shows("To do", ["Fix the flaky test", "Answer the museum's letter"]);
      await ben.page.getByRole("button", { name: "Fix the flaky test", exact: true }).click();
      await ben.page.keyboard.type("Fix the slow test");
      await ben.page.keyboard.press("Enter");
      await ada.shows("To do", ["Fix the slow test", "Answer the museum's letter"]);
    });

    it("is arranged by dragging", async () => {
      await ada.add("To do", "Buy oat milk");
      await ada.drag("Buy oat milk", ada.card("Fix the slow test"), "top");
      const order = ["Buy oat milk", "Fix the slow test", "Answer the museum's letter"];
      await ada.shows("To do", order);
      await ben.shows("To do", order);
      await ben.drag("Fix the slow test", ben.column("In progress"), "bottom");
      await ada.shows("In progress", ["Fix the slow test"]);
      await ada.shows("To do", ["Buy oat milk", "Answer the museum's letter"]);
    });

    it("puts a card that is let go outside of the board back, and does not edit it", async () => {
      const { page } = ada;
      await ada.point(ada.card("Buy oat milk"), 0.5, 0.5);
      await page.mouse.down();
      await page.mouse.move(600, 20, { steps: 4 });
      await page.mouse.up();
      await page.locator(".ghost").waitFor({ state: "detached" });
      await ada.shows("To do", ["Buy oat milk", "Answer the museum's letter"]);
    });

    it("is arranged with the keyboard alone", async () => {
      const { page } = ben;
      await page.getByRole("button", { name: "Buy oat milk", exact: true }).focus();
      await page.keyboard.press("Space");
      await page.keyboard.press("ArrowDown");
      await ada.shows("To do", ["Answer the museum's letter", "Buy oat milk"]);
      await page.keyboard.press("ArrowRight");
      await ada.shows("In progress", ["Fix the slow test", "Buy oat milk"]);
      await page.keyboard.press("ArrowUp");
      await ada.shows("In progress", ["Buy oat milk", "Fix the slow test"]);
      await page.keyboard.press("Escape");
      await ada.shows("To do", ["Buy oat milk", "Answer the museum's letter"]);
      await page.keyboard.press("ArrowDown");
      expect(await page.evaluate(() => document.activeElement?.textContent)).toBe(
        "Answer the museum's letter",
      );
      await page.keyboard.press("Delete");
      await ada.shows("To do", ["Buy oat milk"]);
    });
  });

  it("looks like this", async () => {
    await ada.screenshot(join(SCREENSHOTS, "workspace-board-light.png"));
    await ben.screenshot(join(SCREENSHOTS, "workspace-board-dark.png"));
  });
});
