import { type ChildProcess, spawn } from "node:child_process";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Browser, Page } from "playwright-core";

const ROOT = join(import.meta.dirname, "..");
const DEMO = join(ROOT, "examples/demo");

/** The demo's backend script, as a user starts it. */
export class DemoBackend {
  /** What it has printed. */
  readonly lines: string[] = [];
  readonly #child: ChildProcess;
  /** Its exit code. */
  readonly exited: Promise<number | null>;

  constructor(args: readonly string[]) {
    const script = join(DEMO, "backend.ts");
    const child = spawn(
      process.execPath,
      ["--conditions=source", "--import", "tsx", script, ...args],
      { cwd: ROOT, stdio: ["ignore", "pipe", "pipe"] },
    );
    this.#child = child;
    this.exited = new Promise((resolve) => child.once("close", resolve));
    for (const input of [child.stdout, child.stderr]) {
      createInterface({ input }).on("line", (line) => this.lines.push(line));
    }
  }

  /** What nobody is prepared for. */
  async kill(): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.exited;
  }

  /** Ctrl-C. */
  async interrupt(): Promise<number | null> {
    this.#child.kill("SIGINT");
    return this.exited;
  }
}

export interface Visitor {
  readonly name: string;
  readonly hue: number;
  readonly scheme: "light" | "dark";
}

/** A window of somebody else's browser, with everything it complained about. */
export class DemoWindow {
  readonly page: Page;
  readonly complaints: readonly string[];

  private constructor(page: Page, complaints: readonly string[]) {
    this.page = page;
    this.complaints = complaints;
  }

  static async open(browser: Browser, url: string, visitor: Visitor): Promise<DemoWindow> {
    const context = await browser.newContext({
      colorScheme: visitor.scheme,
      viewport: { width: 1200, height: 800 },
    });
    const { name, hue } = visitor;
    await context.addInitScript(
      (person) => {
        sessionStorage.getItem("conat-demo-person") ??
          sessionStorage.setItem("conat-demo-person", JSON.stringify(person));
      },
      { id: `id of ${name}`, name, hue },
    );
    const page = await context.newPage();
    const complaints: string[] = [];
    page.on("pageerror", (error) => complaints.push(String(error)));
    page.on("console", (message) => {
      if (["error", "warning"].includes(message.type())) complaints.push(message.text());
    });
    await page.goto(url);
    await page.getByText("Live", { exact: true }).waitFor();
    return new DemoWindow(page, complaints);
  }

  async add(text: string): Promise<void> {
    await this.page.getByLabel("New to-do").fill(text);
    await this.page.keyboard.press("Enter");
  }

  /** Texts of the to-dos, from the top. */
  todos(): Promise<string[]> {
    return this.page.locator(".todo .text").allTextContents();
  }

  /** Takes a picture, once everything that moves has come to rest. */
  async screenshot(path: string, fullPage = false): Promise<void> {
    await this.page.evaluate(async () => {
      const moving = document
        .getAnimations()
        .filter(
          ({ effect }) => effect?.getComputedTiming().iterations !== Number.POSITIVE_INFINITY,
        );
      await Promise.allSettled(moving.map(({ finished }) => finished));
    });
    await this.page.screenshot({ path, fullPage });
  }

  /** What the panel says about the build. */
  async buildLine(): Promise<string> {
    return (await this.page.locator(".build-line").textContent()) ?? "";
  }

  /** Names at the cursors that are shown. */
  cursors(): Promise<string[]> {
    return this.page.locator(".cursor").allTextContents();
  }

  /** Moves the pointer to a place within the panel, given as fractions of its size. */
  async point(panel: string, x: number, y: number): Promise<void> {
    const box = await this.page.getByRole("region", { name: panel }).boundingBox();
    if (box === null) throw new Error(`there is no panel ${panel}`);
    await this.page.mouse.move(box.x + x * box.width, box.y + y * box.height);
  }

  /** Where a cursor is within the panel, as fractions of its size. */
  async cursorIn(panel: string, name: string): Promise<{ x: number; y: number }> {
    const box = await this.page.getByRole("region", { name: panel }).boundingBox();
    const cursor = await this.page
      .locator(".cursor", { hasText: name })
      .locator("svg")
      .boundingBox();
    if (box === null || cursor === null) throw new Error(`there is no cursor of ${name}`);
    return { x: (cursor.x - box.x) / box.width, y: (cursor.y - box.y) / box.height };
  }
}
