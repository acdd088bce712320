import { eventually } from "@conat/conat/testing";
import type { Browser, Locator, Page } from "playwright-core";

export const CHROMIUM_ARGS: readonly string[] = [
  ...["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"],
  ...["--disable-background-networking", "--disable-component-update", "--disable-sync"],
];

export interface WindowOptions {
  /** Who signs in. */
  readonly account: string;
  readonly scheme?: "light" | "dark";
  /** @default the first project */
  readonly project?: string;
  /** @default the board */
  readonly view?: "table";
}

/** A window of somebody's own browser, with everything it complained about. */
export class WorkspaceWindow {
  readonly page: Page;
  readonly complaints: string[] = [];

  private constructor(page: Page) {
    this.page = page;
    page.on("pageerror", (error) => this.complaints.push(String(error)));
    page.on("console", (message) => {
      if (["error", "warning"].includes(message.type())) this.complaints.push(message.text());
    });
  }

  static async open(
    browser: Browser,
    url: string,
    options: WindowOptions,
  ): Promise<WorkspaceWindow> {
    const context = await browser.newContext({
      colorScheme: options.scheme ?? "light",
      viewport: { width: 1200, height: 800 },
    });
    const window = new WorkspaceWindow(await context.newPage());
    await window.visit(url, options);
    return window;
  }

  /** Another tab of the same browser. */
  async openTab(url: string, options: WindowOptions): Promise<WorkspaceWindow> {
    const tab = new WorkspaceWindow(await this.page.context().newPage());
    await tab.visit(url, options);
    return tab;
  }

  async visit(url: string, { account, project, view }: WindowOptions): Promise<void> {
    const query = new URLSearchParams({ as: account });
    if (project !== undefined) query.set("project", project);
    if (view !== undefined) query.set("view", view);
    await this.page.goto(`${url}/?${query}`);
    await this.saved();
  }

  /** Waits until the page is connected and has nothing left to store. */
  async saved(): Promise<void> {
    await this.page.getByText("All saved", { exact: true }).waitFor();
  }

  column(title: string): Locator {
    return this.page.getByRole("region", { name: title, exact: true });
  }

  card(title: string): Locator {
    return this.page.locator("[data-card]:not(.ghost)", { hasText: title });
  }

  async add(column: string, title: string): Promise<void> {
    await this.page.getByLabel(`Add a card to ${column}`).fill(title);
    await this.page.keyboard.press("Enter");
  }

  /** Titles in a column, from the top. */
  titles(column: string): Promise<string[]> {
    return this.column(column).locator("[data-card] .title").allTextContents();
  }

  /** Waits until a column shows these titles. */
  async shows(column: string, titles: readonly string[]): Promise<void> {
    await eventually(async () => {
      const shown = await this.titles(column);
      if (JSON.stringify(shown) !== JSON.stringify(titles)) {
        throw new Error(`${column} shows ${JSON.stringify(shown)}, not ${JSON.stringify(titles)}`);
      }
    });
  }

  /** Drags a card, a step at a time as a hand does, to the upper or lower edge of another element. */
  async drag(title: string, target: Locator, edge: "top" | "bottom"): Promise<void> {
    const from = await boxOf(this.card(title));
    const to = await boxOf(target);
    const { mouse } = this.page;
    await mouse.move(from.x + from.width / 2, from.y + from.height / 2);
    await mouse.down();
    const inset = Math.min(8, to.height / 4);
    const y = edge === "top" ? to.y + inset : to.y + to.height - inset;
    await mouse.move(to.x + to.width / 2, y, { steps: 6 });
    await this.page.locator(".ghost").waitFor();
    await mouse.up();
    await this.page.locator(".ghost").waitFor({ state: "detached" });
  }

  /** What stands on the element that has the focus. */
  async focused(): Promise<string> {
    return this.page.evaluate(() => document.activeElement?.textContent ?? "");
  }

  async switchTo(project: string): Promise<void> {
    await this.page.locator("button.switch").click();
    await this.page.locator("#projects").getByRole("button", { name: project }).click();
  }

  /** What a device does that has found its network again. */
  async noticeNetwork(): Promise<void> {
    await this.page.evaluate(() => dispatchEvent(new Event("online")));
  }

  async openSettings(): Promise<void> {
    // Chromium draws no frames for a tab behind another.
    await this.page.bringToFront();
    const menu = this.page.locator("#settings");
    if (!(await menu.isVisible())) await this.page.getByLabel("Your settings").first().click();
    await menu.waitFor();
  }

  async closeSettings(): Promise<void> {
    await this.page.keyboard.press("Escape");
    await this.page.locator("#settings").waitFor({ state: "hidden" });
  }

  /** Chooses a theme or a density. */
  async chooseSetting(label: string): Promise<void> {
    await this.openSettings();
    await this.page.locator("#settings").getByLabel(label, { exact: true }).check();
    await this.closeSettings();
  }

  /** What the panel says about the build. */
  async buildLine(): Promise<string> {
    return (await this.page.locator(".build-line").textContent()) ?? "";
  }

  /** Names of the others who are here. */
  present(): Promise<string[]> {
    return this.page
      .getByRole("list", { name: "Who else is here" })
      .getByRole("listitem")
      .locator(".visually-hidden")
      .allTextContents();
  }

  /** Names at the cursors that are shown. */
  cursors(): Promise<string[]> {
    return this.page.locator(".cursor").allTextContents();
  }

  /** Moves the pointer to a place within a part of the page, given as fractions of its size. */
  async point(area: Locator, x: number, y: number): Promise<void> {
    const box = await boxOf(area);
    await this.page.mouse.move(box.x + x * box.width, box.y + y * box.height);
  }

  /** One of the figures below the table. */
  async count(of: string): Promise<number> {
    const figure = this.page.locator(`[data-count="${of}"]`);
    return Number(await figure.getAttribute("data-value"));
  }

  /** Takes a picture, once everything that moves has come to rest. */
  async screenshot(path: string): Promise<void> {
    await this.page.evaluate(async () => {
      const moving = document
        .getAnimations()
        .filter(
          ({ effect }) => effect?.getComputedTiming().iterations !== Number.POSITIVE_INFINITY,
        );
      await Promise.allSettled(moving.map(({ finished }) => finished));
    });
    await this.page.screenshot({ path });
  }
}

export async function boxOf(
  area: Locator,
): Promise<{ x: number; y: number; width: number; height: number }> {
  const box = await area.boundingBox();
  if (box === null) throw new Error("there is no such part of the page");
  return box;
}
