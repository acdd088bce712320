import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { type Client, connect, type DKV, dkv } from "@conat/conat";
import { eventually, useTestNats } from "@conat/conat/testing";
import { type Hub, type ProjectGrants, startHub } from "@conat/hub";
import { type Browser, chromium } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Reading, readingStore } from "../examples/workspace/src/model/stores.ts";
import { createReading, fill, ROWS, rowKey } from "../examples/workspace/src/table/readings.ts";
import { buildExample } from "./build-example.ts";
import { startTcpProxy, type TcpProxy } from "./tcp-proxy.ts";
import { boxOf, CHROMIUM_ARGS, WorkspaceWindow } from "./workspace-kit.ts";

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
    staticDir = await buildExample("workspace");
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
    it("says what to do while it is empty, and fills itself with an example", async () => {
      const steps = ({ page }: WorkspaceWindow) =>
        page.getByRole("region", { name: "First steps" });
      await steps(ben).waitFor();
      const other = steps(ben).getByRole("link", { name: "Open it as somebody else" });
      expect(await other.getAttribute("href")).toContain("?as=guest-");
      await steps(ada).getByRole("button", { name: "Fill it with an example" }).click();
      await ben.shows("Done", ["Run npm start"]);
      await steps(ben).waitFor({ state: "detached" });
      expect(await ben.titles("To do")).toHaveLength(3);
      expect(await ben.titles("To do")).toEqual(await ada.titles("To do"));
      for (const title of [
        ...(await ada.titles("To do")),
        ...(await ada.titles("In progress")),
        ...(await ada.titles("Done")),
      ]) {
        await ada.card(title).getByRole("button", { name: title, exact: true }).focus();
        await ada.page.keyboard.press("Delete");
      }
      await steps(ben).waitFor();
    });

    it("shows everybody the same cards, whoever adds and renames them", async () => {
      await ada.add("To do", "Fix the flaky test");
      await ada.add("To do", "Answer the museum's letter");
      await ben.shows("To do", ["Fix the flaky test", "Answer the museum's letter"]);
      await ben.page.getByRole("button", { name: "Fix the flaky test", exact: true }).click();
      await ben.page.keyboard.type("Fix the slow test");
      await ben.page.keyboard.press("Enter");
      await ada.shows("To do", ["Fix the slow test", "Answer the museum's letter"]);
      expect(await ben.focused()).toBe("Fix the slow test");
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
      expect(await ben.focused()).toBe("Buy oat milk");
      await ada.shows("In progress", ["Fix the slow test", "Buy oat milk"]);
      await page.keyboard.press("ArrowUp");
      await ada.shows("In progress", ["Buy oat milk", "Fix the slow test"]);
      await page.keyboard.press("Escape");
      await ada.shows("To do", ["Buy oat milk", "Answer the museum's letter"]);
      await page.keyboard.press("ArrowDown");
      expect(await ben.focused()).toBe("Answer the museum's letter");
      await page.keyboard.press("Delete");
      await ada.shows("To do", ["Buy oat milk"]);
    });
  });

  describe("the people", () => {
    it("are seen by each other, each once, with their names and colours", async () => {
      await named(ada, "Ada", "Red");
      await named(ben, "Ben", "Violet");
      await eventually(async () => expect(await ada.present()).toEqual(["Ben"]));
      await eventually(async () => expect(await ben.present()).toEqual(["Ada"]));
    });

    it("see each other's cursors at the same place of the page, whatever its layout", async () => {
      await ada.point(ada.column("Done"), 0.25, 0.5);
      await eventually(async () => expect(await ben.cursors()).toEqual(["Ada"]));
      for (const width of [1200, 500]) {
        await ben.page.setViewportSize({ width, height: 800 });
        await eventually(async () => {
          const tip = await boxOf(ben.page.locator(".cursor svg"));
          const area = await boxOf(ben.column("Done"));
          expect((tip.x - area.x) / area.width).toBeCloseTo(0.25, 1);
          expect((tip.y - area.y) / area.height).toBeCloseTo(0.5, 1);
        });
      }
      await ben.page.setViewportSize({ width: 1200, height: 800 });
    });

    it("take their settings to their other tabs, at once", async () => {
      const tab = await ada.openTab(hub.url, { account: "ada" });
      await named(tab, "Ada", "Red");
      const theme = (window: WorkspaceWindow): Promise<string | undefined> =>
        window.page.evaluate(() => document.documentElement.dataset.theme);
      await tab.chooseSetting("Dark");
      await tab.chooseSetting("Compact");
      await eventually(async () => expect(await theme(ada)).toBe("dark"));
      await tab.openSettings();
      await tab.page.getByLabel("Name", { exact: true }).fill("Ada L.");
      await eventually(async () => expect(await ben.present()).toEqual(["Ada L."]));
      await tab.page.getByLabel("Name", { exact: true }).fill("Ada");
      await ada.chooseSetting("Light");
      await ada.chooseSetting("Comfortable");
      await eventually(async () => expect(await theme(tab)).toBe("light"));
      expect(await theme(ben)).toBe("system");
      await tab.page.close();
      await ada.page.bringToFront();
      await eventually(async () => expect(await ben.present()).toEqual(["Ada"]));
    });

    it("have their own projects, and go from one to the other", async () => {
      await ben.switchTo("Garden");
      await ben.shows("To do", []);
      await eventually(async () => expect(await ada.present()).toEqual([]));
      await ben.add("To do", "Water the plants");
      await ben.page.goBack();
      await ben.shows("To do", ["Buy oat milk"]);
      await ben.page.goForward();
      await ben.shows("To do", ["Water the plants"]);
      await ben.switchTo("Apollo");
      await eventually(async () => expect(await ada.present()).toEqual(["Ben"]));
    });
  });

  describe("the build", () => {
    it("is run by one of two who start it in the same moment, and stopped by anybody", async () => {
      const run = (window: WorkspaceWindow): Promise<void> =>
        window.page.evaluate(() => {
          const buttons = Array.from(document.querySelectorAll<HTMLElement>(".build button"));
          buttons.find(({ textContent }) => textContent === "Run the build")?.click();
        });
      await ada.page.getByText("Nobody has built this yet.").waitFor();
      await ben.page.getByText("Nobody has built this yet.").waitFor();
      await Promise.all([run(ada), run(ben)]);
      const lines = await eventually(async () => {
        const both = [await ada.buildLine(), await ben.buildLine()];
        expect(both.filter((text) => text === "You are building.")).toHaveLength(1);
        expect(both.filter((text) => /^(Ada|Ben) is building\.$/.test(text))).toHaveLength(1);
        return both;
      });
      const [runner, other] = lines[0] === "You are building." ? [ada, ben] : [ben, ada];
      await other.page.getByRole("button", { name: "Stop" }).click();
      const name = other === ada ? "Ada" : "Ben";
      for (const window of [runner, other]) {
        await eventually(async () =>
          expect(await window.buildLine()).toMatch(new RegExp(`^Stopped after .* by ${name}\\.$`)),
        );
      }
    });

    it("is free again when its runner is cut off, who then has lost it", async () => {
      await ben.page.getByRole("button", { name: "Run the build" }).click();
      await eventually(async () => expect(await ada.buildLine()).toBe("Ben is building."));
      line.stall();
      await eventually(
        async () => expect(await ada.buildLine()).toBe("Ben started it and is gone."),
        { timeoutMs: 15_000 },
      );
      await ada.page.getByRole("button", { name: "Run it again" }).click();
      await eventually(async () => expect(await ada.buildLine()).toBe("You are building."));
      line.mend();
      await eventually(async () => expect(await ben.buildLine()).toBe("Ada is building."), {
        timeoutMs: 15_000,
      });
      await ben.page.getByRole("button", { name: "Stop" }).click();
      await eventually(async () => expect(await ada.buildLine()).toMatch(/by Ben\.$/));
    });
  });

  it("goes on offline, and brings together what both did to one card meanwhile", async () => {
    line.cut();
    await ben.page.getByText("You are offline.").waitFor();
    await ben.add("To do", "Written offline");
    await ben.page.getByRole("button", { name: "Buy oat milk", exact: true }).click();
    await ben.page.keyboard.type("Buy soy milk");
    await ben.page.keyboard.press("Enter");
    await ada.drag("Buy oat milk", ada.column("Done"), "bottom");
    await ben.shows("To do", ["Buy soy milk", "Written offline"]);
    await ben.page.getByText("2 changes are kept here and").waitFor();
    await ben.screenshot(join(SCREENSHOTS, "workspace-offline-dark.png"));
    line.mend();
    await ben.noticeNetwork();
    for (const window of [ada, ben]) {
      await window.shows("To do", ["Written offline"]);
      await window.shows("Done", ["Buy soy milk"]);
    }
    await ben.page.getByText("You are offline.").waitFor({ state: "detached" });
    await ben.saved();
  });

  it("gives cards that two people move into one gap at the same time the same order for both", async () => {
    await ada.add("In progress", "One");
    await ada.add("In progress", "Two");
    await ben.shows("In progress", ["Fix the slow test", "One", "Two"]);
    line.cut();
    await ben.page.getByText("You are offline.").waitFor();
    await ben.drag("One", ben.column("Done"), "bottom");
    await ada.drag("Two", ada.column("Done"), "bottom");
    line.mend();
    await ben.noticeNetwork();
    await ben.saved();
    await eventually(async () => {
      const order = await ada.titles("Done");
      expect(order).toHaveLength(3);
      expect(order[0]).toBe("Buy soy milk");
      expect(await ben.titles("Done")).toEqual(order);
    });
  });

  it("asks before it is left with a change that is not stored, which is stored all the same", async () => {
    line.delay(400);
    const questions: string[] = [];
    ben.page.once("dialog", (dialog) => {
      questions.push(dialog.type());
      void dialog.accept();
    });
    await ben.add("To do", "Written in a hurry");
    await ben.page.getByText("Saving", { exact: true }).waitFor();
    await ben.page.reload();
    line.mend();
    expect(questions).toEqual(["beforeunload"]);
    for (const window of [ada, ben]) {
      await window.shows("To do", ["Written offline", "Written in a hurry"]);
    }
    await ben.saved();
  });

  it("puts changes that are refused aside, to be tried again or discarded", async () => {
    const { page } = ben;
    projects.set("ben", { apollo: "viewer", garden: "editor" });
    await hub.projectsChanged("ben");
    await ben.add("To do", "Not allowed");
    await ben.drag("Written offline", ben.column("Done"), "bottom");
    await page.getByText("2 changes were not stored").waitFor();
    await page.getByText("2 not saved", { exact: true }).waitFor();
    await ben.shows("To do", ["Written offline", "Written in a hurry"]);
    await ben.screenshot(join(SCREENSHOTS, "workspace-rejected-dark.png"));
    // The tray follows to another project, and does not let go of the store.
    await ben.switchTo("Garden");
    await page.getByRole("button", { name: "Discard: “Written offline”, Done, in Apollo" }).click();
    const retry = page.getByRole("button", { name: "Try again: “Not allowed”, To do, in Apollo" });
    await retry.click();
    await page.getByText("A change was not stored").waitFor();
    await ben.switchTo("Apollo");
    projects.set("ben", ["apollo", "garden"]);
    await hub.projectsChanged("ben");
    await retry.click();
    await ada.shows("To do", ["Written offline", "Written in a hurry", "Not allowed"]);
    await page.getByRole("region", { name: "Rejected changes" }).waitFor({ state: "detached" });
  });

  it("shows nothing of a project any more when access to it is revoked while looking", async () => {
    await hub.revoke({ account_id: "ben", project_id: "apollo" });
    await ben.page.getByText("Your access to Apollo has been taken back").waitFor();
    expect(await ben.page.getByText("Written offline").count()).toBe(0);
    await ben.screenshot(join(SCREENSHOTS, "workspace-revoked-dark.png"));
    await ben.switchTo("Garden");
    await ben.shows("To do", ["Water the plants"]);
    await ben.add("To do", "Sow beans");
    await ben.saved();
    await ada.switchTo("Garden");
    await ada.shows("To do", ["Water the plants", "Sow beans"]);
    await ada.switchTo("Apollo");
    await ben.page.reload();
    await ben.switchTo("Apollo");
    await ben.shows("Done", await ada.titles("Done"));
  });

  it("shows under the floor what is going on", async () => {
    const { page } = ada;
    await page.getByRole("button", { name: "Debug drawer" }).click();
    const drawer = page.getByRole("region", { name: "Debug" });
    const board = drawer.getByRole("row", { name: /^Board/ });
    const sequence = async (): Promise<number> =>
      Number((await board.getByRole("cell").nth(2).textContent())?.replace(/,/g, ""));
    await eventually(async () => expect(await sequence()).toBeGreaterThan(0));
    const before = await sequence();
    await ben.add("To do", "One more");
    await eventually(async () => expect(await sequence()).toBeGreaterThan(before));
    await drawer.getByText("ready", { exact: true }).waitFor();
    await drawer
      .getByText(/^\d+ frames, .* kB/)
      .first()
      .waitFor();
    await ada.screenshot(join(SCREENSHOTS, "workspace-debug-light.png"));
    await page.getByRole("button", { name: "Close the debug drawer" }).click();
  });

  it("looks like this", async () => {
    await ada.page.getByRole("button", { name: "Run the build" }).click();
    const plan: readonly (readonly [string, string])[] = [
      ["To do", "Answer the museum's letter"],
      ["To do", "Choose a name for the second boat"],
      ["In progress", "Draw the map of the old harbour"],
      ["Done", "Ask the lighthouse for its hours"],
    ];
    for (const [index, [column, title]] of plan.entries()) {
      await (index % 2 === 0 ? ada : ben).add(column, title);
    }
    await eventually(async () => {
      const bar = ben.page.getByRole("progressbar", { name: "Build" });
      expect(Number(await bar.getAttribute("aria-valuenow"))).toBeGreaterThan(30);
    });
    await ada.point(ada.column("Done"), 0.6, 0.85);
    await ben.point(ben.column("To do"), 0.6, 0.75);
    await eventually(async () => {
      expect(await ada.cursors()).toEqual(["Ben"]);
      expect(await ben.cursors()).toEqual(["Ada"]);
    });
    for (const window of [ada, ben]) {
      await window.page.evaluate(() => (document.activeElement as HTMLElement | null)?.blur());
    }
    await ada.screenshot(join(SCREENSHOTS, "workspace-board-light.png"));
    await ben.screenshot(join(SCREENSHOTS, "workspace-board-dark.png"));
    await ada.page.setViewportSize({ width: 390, height: 844 });
    await ada.screenshot(join(SCREENSHOTS, "workspace-small-light.png"));
    expect(await ada.page.evaluate(() => document.documentElement.scrollWidth)).toBe(390);
    await ada.page.setViewportSize({ width: 1200, height: 800 });
    await ben.openSettings();
    await ben.screenshot(join(SCREENSHOTS, "workspace-settings-dark.png"));
    await ben.closeSettings();
    await ada.page.getByRole("button", { name: "Stop" }).click();
  });

  describe("a table of 10,000 rows", () => {
    /** Comfortably above what fits into the window, far below 10,000. */
    const MOST_ROWS = 40;
    let backend: Client;
    let readings: DKV<Reading>;
    /** Made since the page has loaded. */
    let changes = 0;

    beforeAll(async () => {
      backend = connect({ address: nats().url });
      readings = await dkv<Reading>({ ...readingStore("garden"), client: backend });
      await fill(readings);
      await ada.visit(hub.url, { account: "ada", project: "garden", view: "table" });
      await eventually(async () => expect(await ada.count("rows")).toBe(ROWS));
    });
    afterAll(async () => {
      await readings?.close();
      await backend?.close();
    });

    const rendered = (): Promise<number> => ada.page.locator("tr[data-row]").count();
    const scrollTo = (row: number): Promise<void> =>
      ada.page.getByRole("region", { name: "Readings" }).evaluate((element, index) => {
        element.scrollTop = index * 32;
      }, row);
    const write = (index: number, value: number): void => {
      readings.set(rowKey(index), { ...createReading(index), value, count: 2 });
      changes += 1;
    };

    it("renders the rows in view, and no others", async () => {
      expect(await rendered()).toBeGreaterThan(15);
      expect(await rendered()).toBeLessThan(MOST_ROWS);
      for (const row of [5_000, 9_980, 123]) {
        await scrollTo(row);
        const shown = ada.page.locator(`tr[data-row="${rowKey(row)}"]`);
        await shown.waitFor();
        expect(await shown.getByRole("cell").first().textContent()).toBe(createReading(row).sensor);
        expect(await rendered()).toBeLessThan(MOST_ROWS);
      }
    });

    it("renders a row when that row changes, and no row for the changes of others", async () => {
      await scrollTo(0);
      await ada.page.locator(`tr[data-row="${rowKey(0)}"]`).waitFor();
      const before = await rendersNow();
      for (let index = 1_000; index < 1_400; index += 1) write(index, 50);
      await eventually(async () => expect(await ada.count("changes seen")).toBe(changes));
      expect(await ada.count("row renders")).toBe(before);
      expect(await rendersNow()).toBe(before + 1);
    });

    it("is scrolled from end to end while 200 changes a second arrive", async () => {
      const before = await rendersNow();
      let made = 0;
      const feed = setInterval(() => {
        for (let count = 0; count < 10; count += 1) {
          write((made * 7_919) % ROWS, made % 100);
          made += 1;
        }
      }, 50);
      const most = await scrollThrough(ada, ROWS * 32);
      await eventually(() => expect(made).toBeGreaterThanOrEqual(400));
      clearInterval(feed);
      await readings.save();
      await eventually(async () => expect(await ada.count("changes seen")).toBe(changes));
      expect(most.rows).toBeGreaterThan(15);
      expect(most.rows).toBeLessThan(MOST_ROWS);
      // Each row that came into view was rendered once, and again only when it changed while it was there.
      expect((await ada.count("row renders")) - before).toBeLessThanOrEqual(ROWS + made);
      await scrollTo(9_990);
      for (const index of [9_985, 9_999]) {
        const row = ada.page.locator(`tr[data-row="${rowKey(index)}"]`);
        const { value = -1 } = readings.get(rowKey(index)) ?? {};
        await row.filter({ hasText: value.toFixed(1) }).waitFor();
      }
      await ada.screenshot(join(SCREENSHOTS, "workspace-table-light.png"));
      await ben.visit(hub.url, { account: "ben", project: "garden", view: "table" });
      await eventually(async () => expect(await ben.count("rows")).toBe(ROWS));
      await ben.screenshot(join(SCREENSHOTS, "workspace-table-dark.png"));
    });

    it("can be filled and kept in motion from the page itself", async () => {
      const { page } = ben;
      await ben.visit(hub.url, { account: "ben", project: "apollo", view: "table" });
      await page.getByText("The store is empty.").waitFor();
      await page.getByRole("button", { name: "Fill with 10,000 rows" }).click();
      await eventually(async () => expect(await ben.count("rows")).toBe(ROWS));
      await page.getByRole("button", { name: "200 changes a second" }).click();
      await eventually(async () =>
        expect(await ben.count("changes seen")).toBeGreaterThan(ROWS + 100),
      );
      await page.getByRole("button", { name: "Stop the changes" }).click();
      await ben.saved();
    });

    /** Row renders so far, once the page has seen every change and shows the last one, which is in view. */
    async function rendersNow(): Promise<number> {
      write(3, changes % 100);
      const shown = ada.page.locator(`tr[data-row="${rowKey(3)}"]`);
      await shown.filter({ hasText: `${((changes - 1) % 100).toFixed(1)}` }).waitFor();
      await eventually(async () => expect(await ada.count("changes seen")).toBe(changes));
      return ada.count("row renders");
    }
  });

  it("gives a browser nothing to complain about but the line that was cut", () => {
    const complaints = [...ada.complaints, ...ben.complaints];
    expect(complaints.filter((text) => !/WebSocket|ERR_|Failed to load/.test(text))).toEqual([]);
  });
});

/** Scrolls a frame at a time; tells how many rows were in the page at most. */
function scrollThrough(window: WorkspaceWindow, height: number): Promise<{ rows: number }> {
  const STEPS = 100;
  return window.page.getByRole("region", { name: "Readings" }).evaluate(
    async (element, { total, steps }) => {
      let rows = 0;
      for (let step = 0; step <= steps; step += 1) {
        element.scrollTop = (total / steps) * step;
        await new Promise(requestAnimationFrame);
        rows = Math.max(rows, element.querySelectorAll("tr[data-row]").length);
      }
      return { rows };
    },
    { total: height, steps: STEPS },
  );
}

/** Gives the account of a window a name and a colour. */
async function named(window: WorkspaceWindow, name: string, colour: string): Promise<void> {
  await window.openSettings();
  await window.page.getByLabel("Name", { exact: true }).fill(name);
  await window.page.getByLabel(colour, { exact: true }).check();
  await window.closeSettings();
}
