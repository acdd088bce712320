import { rm } from "node:fs/promises";
import { connect, dkv } from "@conat/conat";
import type { Page } from "playwright-core";
import { atMost, type Bench, type Side } from "../framework/bench.ts";
import { value } from "../framework/metrics.ts";
import type { Sample } from "../load/sample.ts";

const ROW_HEIGHT = 32;
const STEPS = 300;
/** 10 changes in this time make 200 a second, in milliseconds. */
const FEED_MS = 50;
const CHANGES_PER_FEED = 10;

/** The workspace's table of 10,000 rows in Chromium, scrolled from end to end; the floor is a store that stands still. */
export const table: Bench = {
  name: "table",
  rows: [
    {
      name: "table-longest-task",
      title:
        "10,000 rows scrolled while 200 changes/s arrive: longest task of the page (0: none of 50 ms)",
      unit: "ms",
      metric: value("longestTaskMs"),
      targets: [atMost(50, "unit")],
    },
    {
      name: "table-longest-frame",
      title: "the same: longest time between two frames",
      unit: "ms",
      metric: value("longestFrameMs"),
      targets: [atMost(2)],
    },
  ],
  async open(stage) {
    // Only when asked for: they bring a browser and a bundler along.
    const { chromium } = await import("playwright-core");
    const { buildExample } = await import("../../../test/build-example.ts");
    const { CHROMIUM_ARGS } = await import("../../../test/workspace-kit.ts");
    const { readingStore } = await import("../../../examples/workspace/src/model/stores.ts");
    const readings = await import("../../../examples/workspace/src/table/readings.ts");

    const staticDir = await buildExample("workspace");
    stage.own({ stop: () => rm(staticDir, { recursive: true, force: true }) });
    const nats = await stage.nats();
    const hub = await stage.hub({ natsUrl: nats.url, staticDir });
    const client = connect({ address: nats.url });
    stage.own({ stop: () => client.close() });
    const store = await dkv({ ...readingStore("garden"), client });
    await readings.fill(store);
    const executablePath = await findChromium();
    const browser = await chromium.launch({ executablePath, args: [...CHROMIUM_ARGS] });
    stage.own({ stop: () => browser.close() });
    const page = await browser.newPage({ viewport: { width: 1200, height: 800 } });
    await page.goto(`${hub.url}/?as=bench&project=garden&view=table`);
    await page.locator(`[data-count="rows"][data-value="${readings.ROWS}"]`).waitFor();

    const measure = (isFed: boolean) => async (): Promise<Sample> => {
      const feed = setInterval(() => {
        if (isFed) readings.changeSome(store, CHANGES_PER_FEED);
      }, FEED_MS);
      try {
        return await scroll(page, readings.ROWS * ROW_HEIGHT);
      } finally {
        clearInterval(feed);
      }
    };
    const side = { processes: { hub: hub.pid, nats: nats.pid } };
    const sides: Side[] = [
      { ...side, name: "conat", role: "conat", measure: measure(true) },
      { ...side, name: "at rest", role: "floor", measure: measure(false) },
    ];
    return sides;
  },
};

/** The one that `npm test` uses; it installs one where there is none. */
async function findChromium(): Promise<string> {
  const script = new URL("../../../scripts/chromium.mjs", import.meta.url).href;
  const { provideChromium }: { provideChromium(log: typeof console.error): Promise<string> } =
    await import(script);
  return provideChromium(console.error);
}

async function scroll(page: Page, height: number): Promise<Sample> {
  const started = performance.now();
  const values = await page.getByRole("region", { name: "Readings" }).evaluate(
    async (element, { total, steps }) => {
      let longestTaskMs = 0;
      const observer = new PerformanceObserver((list) => {
        for (const { duration } of list.getEntries()) {
          longestTaskMs = Math.max(longestTaskMs, duration);
        }
      });
      observer.observe({ type: "longtask" });
      let longestFrameMs = 0;
      let last = await new Promise(requestAnimationFrame);
      for (let step = 0; step <= steps; step += 1) {
        element.scrollTop = (total / steps) * step;
        const now = await new Promise(requestAnimationFrame);
        longestFrameMs = Math.max(longestFrameMs, now - last);
        last = now;
      }
      observer.disconnect();
      return { longestTaskMs, longestFrameMs };
    },
    { total: height, steps: STEPS },
  );
  return { operations: STEPS, seconds: (performance.now() - started) / 1_000, values };
}
