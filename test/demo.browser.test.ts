import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { connect, dkv, PubSub } from "@conat/conat";
import { eventually, useTestNats } from "@conat/conat/testing";
import { type Hub, startHub } from "@conat/hub";
import { Kvm } from "@nats-io/kv";
import { connect as connectNats } from "@nats-io/transport-node";
import { type Browser, chromium } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { buildExample } from "./build-example.ts";
import { DemoBackend, DemoWindow } from "./demo-kit.ts";

const SCREENSHOTS = join(import.meta.dirname, "../test-output");
const CHROMIUM_ARGS = [
  ...["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"],
  ...["--disable-background-networking", "--disable-component-update", "--disable-sync"],
];

const chromiumPath = process.env.CONAT_CHROMIUM;

describe("the demo, open in two windows and a terminal", () => {
  const nats = useTestNats();
  let staticDir: string;
  let hub: Hub;
  let browser: Browser;
  let ada: DemoWindow;
  let ben: DemoWindow;
  let terminal: DemoBackend;

  beforeAll(async () => {
    if (chromiumPath === undefined) throw new Error("set CONAT_CHROMIUM to the path of a Chromium");
    staticDir = await buildExample("demo");
    hub = await startHub({ port: 0, dev: true, staticDir, natsUrl: nats().url });
    browser = await chromium.launch({ executablePath: chromiumPath, args: CHROMIUM_ARGS });
    ada = await DemoWindow.open(browser, hub.url, { name: "Ada", hue: 30, scheme: "light" });
    ben = await DemoWindow.open(browser, hub.url, { name: "Ben", hue: 275, scheme: "dark" });
    terminal = new DemoBackend([nats().url, "--watch", "--name", "Terminal"]);
    await eventually(() => terminal.lines.some((line) => line.startsWith("joined")));
  });
  afterAll(async () => {
    await terminal?.interrupt();
    await browser?.close();
    await hub?.close();
    if (staticDir !== undefined) await rm(staticDir, { recursive: true, force: true });
  });

  it("shares the to-do list", async () => {
    await ada.add("Water the plants");
    await eventually(async () => expect(await ben.todos()).toEqual(["Water the plants"]));
    await ben.page.getByLabel("Done: Water the plants").check();
    await eventually(() => ada.page.getByLabel("Done: Water the plants").isChecked());
    await eventually(() =>
      expect(terminal.lines.filter((line) => line.includes("plants"))).toEqual([
        "+ Water the plants (Ada)",
        "✓ Water the plants (Ben)",
      ]),
    );
  });

  it("can be edited and cleared with the keyboard alone", async () => {
    const { page } = ben;
    await page.getByRole("button", { name: "Water the plants", exact: true }).focus();
    await page.keyboard.press("Enter");
    await page.keyboard.press("End");
    await page.keyboard.type(" twice");
    await page.keyboard.press("Enter");
    await eventually(async () => expect(await ada.todos()).toEqual(["Water the plants twice"]));
    await page.getByRole("button", { name: "Clear done" }).focus();
    await page.keyboard.press("Enter");
    await eventually(async () => expect(await ada.todos()).toEqual([]));
    await eventually(() => expect(terminal.lines).toContain("- Water the plants twice"));
  });

  it("shows each other's cursors at the same place of the page, whatever its layout", async () => {
    await ada.point("To-do", 0.5, 0.5);
    await eventually(async () => expect(await ben.cursors()).toEqual(["Ada"]));
    await eventually(async () => {
      const { x, y } = await ben.cursorIn("To-do", "Ada");
      expect(x).toBeCloseTo(0.5, 1);
      expect(y).toBeCloseTo(0.5, 1);
    });
    await ben.page.setViewportSize({ width: 420, height: 900 });
    await eventually(async () => {
      const { x, y } = await ben.cursorIn("To-do", "Ada");
      expect(x).toBeCloseTo(0.5, 1);
      expect(y).toBeCloseTo(0.5, 1);
    });
    await ben.page.setViewportSize({ width: 1200, height: 800 });
    await ben.point("Build", 0.25, 0.75);
    await eventually(async () => expect(await ada.cursors()).toEqual(["Ben"]));
    await eventually(() => {
      expect(terminal.lines).toContain("Ada is here");
      expect(terminal.lines).toContain("Ben is here");
    });
    await eventually(async () => {
      const present = ada.page
        .getByRole("list", { name: "Who else is here" })
        .getByRole("listitem");
      expect((await present.allTextContents()).sort()).toEqual(["BBen", "TTerminal"]);
    });
  });

  it("lets one of two who start the build at the same moment run it, and the other stop it", async () => {
    const windows = [ada, ben];
    const run = (window: DemoWindow) => window.page.getByRole("button", { name: "Run the build" });
    const press = (window: DemoWindow): Promise<void> =>
      run(window).evaluate((button) => (button as HTMLButtonElement).click());
    await eventually(async () => {
      expect(await Promise.all(windows.map((window) => run(window).isEnabled()))).toEqual([
        true,
        true,
      ]);
    });
    await Promise.all(windows.map(press));
    const lines = (): Promise<string[]> => Promise.all(windows.map((window) => window.buildLine()));
    const adaRuns = ["You are running the build.", "Ada is running the build."];
    const benRuns = ["Ben is running the build.", "You are running the build."];
    await eventually(async () => expect([adaRuns, benRuns]).toContainEqual(await lines()));
    const adaWon = (await lines())[0] === adaRuns[0];
    expect(await Promise.all(windows.map((window) => run(window).isDisabled()))).toEqual([
      true,
      true,
    ]);
    const other = adaWon ? ben : ada;
    await other.page.getByRole("button", { name: "Stop" }).click();
    const stopped = new RegExp(`^Stopped after .* by ${adaWon ? "Ben" : "Ada"}\\.$`);
    await eventually(async () => {
      for (const line of await lines()) expect(line).toMatch(stopped);
    });
  });

  it("has the list again after a reload, with the same person", async () => {
    await ada.add("Stay");
    await eventually(async () => expect(await ben.todos()).toEqual(["Stay"]));
    await ben.page.reload();
    await eventually(async () => expect(await ben.todos()).toEqual(["Stay"]));
    expect(await ben.page.getByLabel("Your name").inputValue()).toBe("Ben");
  });

  it("lets the terminal add, and run the build with its cursor on the bar, over http or straight on NATS", async () => {
    for (const address of [hub.url, nats().url]) {
      const text = `From ${new URL(address).protocol}`;
      const args = ["--name", "Grace", "--add", text, "--seconds", "2", "--once"];
      const backend = new DemoBackend([address, ...args]);
      await eventually(async () => expect(await ada.todos()).toContain(text));
      await eventually(async () => expect(await ben.cursors()).toContain("Grace"));
      expect(await ada.buildLine()).toBe("Grace is running the build.");
      expect(await backend.exited).toBe(0);
      expect(backend.lines).toContain(`+ ${text} (Grace)`);
      expect(backend.lines.at(-1)).toMatch(/^build: done in 2\.\d s, by Grace$/);
      await eventually(async () => expect(await ben.buildLine()).toMatch(/^Done in 2\..*Grace\.$/));
    }
  });

  it("lets anybody take over a build whose runner has died", async () => {
    const backend = new DemoBackend([nats().url, "--name", "Grace", "--seconds", "60"]);
    await eventually(async () => expect(await ada.buildLine()).toBe("Grace is running the build."));
    await backend.kill();
    await eventually(async () =>
      expect(await ada.buildLine()).toBe("Grace started it and went silent."),
    );
    await ada.page.getByRole("button", { name: "Take over" }).click();
    await eventually(async () => expect(await ben.buildLine()).toBe("Ada is running the build."));
    await ada.page.getByRole("button", { name: "Stop" }).click();
    await eventually(async () => expect(await ben.buildLine()).toMatch(/^Stopped/));
  });

  it("shares the list with a plain NATS KV client, as readable JSON", async () => {
    const client = connect({ address: nats().url });
    const store = await dkv({ client, project_id: "demo", name: "todos" });
    const connection = await connectNats({ servers: nats().url });
    const bucket = await new Kvm(connection).open("conat-p0");

    const milk = JSON.stringify({ text: "Buy milk", done: false });
    await bucket.put(store.natsKey("milk"), milk);
    await eventually(async () => expect(await ada.todos()).toContain("Buy milk"));
    await ben.page.getByLabel("Done: Buy milk").check();
    await eventually(async () => {
      const entry = await bucket.get(store.natsKey("milk"));
      expect(entry?.json()).toMatchObject({ text: "Buy milk", done: true });
    });
    await bucket.delete(store.natsKey("milk"));
    await eventually(async () => expect(await ada.todos()).not.toContain("Buy milk"));

    await connection.close();
    await client.close();
  });

  it("goes on when somebody writes what it does not understand", async () => {
    const client = connect({ address: hub.url, identity: { project_id: "demo" } });
    const scope = { client, project_id: "demo" };
    const todos = await dkv<unknown>({ ...scope, name: "todos" });
    const build = await dkv<unknown>({ ...scope, name: "build", ephemeral: true });
    const cursors = new PubSub<unknown>({ ...scope, name: "cursors" });
    const before = build.get("build");
    const nonsense = [null, 7, "text", [], {}, { title: "Buy milk" }, { id: "x", person: null }];
    for (const [index, value] of nonsense.entries()) {
      todos.set(`nonsense ${index}`, value);
      build.set("build", value);
      cursors.set(value);
    }
    await todos.save();
    await build.save();
    await ada.add("Still here");
    await eventually(async () => expect(await ben.todos()).toContain("Still here"));
    await eventually(async () =>
      expect(await ben.buildLine()).toBe("Nobody is running the build."),
    );
    for (const index of nonsense.keys()) todos.delete(`nonsense ${index}`);
    build.set("build", before);
    await client.close();
  });

  it("says in one sentence why the terminal cannot join", async () => {
    const backend = new DemoBackend(["gopher://nowhere"]);
    const exitCode = await backend.exited;
    expect(backend.lines).toEqual([expect.stringContaining("gopher://nowhere")]);
    expect(exitCode).toBe(1);
  });

  it("looks like this", async () => {
    await mkdir(SCREENSHOTS, { recursive: true });
    const { page } = ada;
    for (const todo of ["Fix the flaky test", "Answer the museum's letter", "Buy oat milk"]) {
      await ada.add(todo);
    }
    await ben.page.getByLabel("Done: Answer the museum's letter").check();
    await page.getByRole("button", { name: "Run the build" }).click();
    await eventually(async () => {
      const bar = ben.page.getByRole("progressbar", { name: "Build" });
      expect(Number(await bar.getAttribute("aria-valuenow"))).toBeGreaterThan(40);
    });
    await page.getByLabel("New to-do").blur();
    await ben.point("To-do", 0.55, 0.55);
    await ada.point("Build", 0.7, 0.75);
    await eventually(async () => {
      expect(await ada.cursors()).toContain("Ben");
      expect(await ben.cursors()).toContain("Ada");
    });
    await ada.screenshot(join(SCREENSHOTS, "demo-light.png"));
    await ben.screenshot(join(SCREENSHOTS, "demo-dark.png"));
    await ben.page.setViewportSize({ width: 390, height: 844 });
    await ben.screenshot(join(SCREENSHOTS, "demo-small.png"), true);
    expect(await ben.page.evaluate(() => document.documentElement.scrollWidth)).toBe(390);
    await page.getByRole("button", { name: "Stop" }).click();
  });

  it("says when the hub is out of reach, keeps what is changed meanwhile, and sends it afterwards", async () => {
    const { port } = hub;
    await hub.close();
    await ada.page.getByText("The hub is out of reach.").waitFor();
    await ada.add("Written offline");
    expect((await ada.todos())[0]).toBe("Written offline");
    await ada.screenshot(join(SCREENSHOTS, "demo-offline.png"));
    hub = await startHub({ port, dev: true, staticDir, natsUrl: nats().url });
    await eventually(async () => expect(await ben.todos()).toContain("Written offline"), {
      timeoutMs: 20_000,
    });
    await eventually(() => expect(terminal.lines).toContain("+ Written offline (Ada)"));
  });

  it("gives a browser nothing to complain about but the connection that was cut", () => {
    const complaints = [...ada.complaints, ...ben.complaints];
    expect(complaints.filter((text) => !/WebSocket|ERR_CONNECTION/.test(text))).toEqual([]);
  });
});
