import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { type Browser, chromium, type Page } from "playwright-core";
import { bundlePage } from "../page-bundle.ts";
import { type Dump, dump, type History, parseHistory } from "./history.ts";
import type { ChaosClient } from "./process-client.ts";
import type { Workload } from "./workload.ts";

export interface PageClientOptions {
  readonly name: string;
  readonly address: string;
  readonly seed: number;
  readonly pauseMs: number;
}

/** A Chromium with pages that are clients. */
export class PageHost {
  readonly #browser: Browser;
  readonly #web: Server;

  static async start(chromiumPath: string): Promise<PageHost> {
    const { code } = await bundlePage(`import "${import.meta.dirname}/page-client.ts";`);
    const web = createServer((request, response) => {
      const isScript = request.url === "/page.js";
      response.setHeader("content-type", isScript ? "text/javascript" : "text/html");
      response.end(
        isScript
          ? code
          : `<link rel="icon" href="data:,"><script type="module" src="/page.js"></script>`,
      );
    });
    await new Promise<void>((resolve) => web.listen(0, "127.0.0.1", resolve));
    return new PageHost(await chromium.launch({ executablePath: chromiumPath }), web);
  }

  private constructor(browser: Browser, web: Server) {
    this.#browser = browser;
    this.#web = web;
  }

  async open(options: PageClientOptions): Promise<PageClient> {
    const page = await this.#browser.newPage();
    let log = "";
    await page.exposeFunction("chaosLog", (text: string) => {
      log += text;
    });
    const { port } = this.#web.address() as AddressInfo;
    const query = new URLSearchParams({
      ...options,
      seed: String(options.seed),
      pauseMs: String(options.pauseMs),
    });
    await page.goto(`http://127.0.0.1:${port}/?${query}`);
    await page.waitForFunction(() => "workload" in window, undefined, { timeout: 60_000 });
    return new PageClient(options.name, page, () => log);
  }

  async close(): Promise<void> {
    await this.#browser.close();
    await new Promise((resolve) => this.#web.close(resolve));
  }
}

class PageClient implements ChaosClient {
  readonly name: string;
  readonly #page: Page;
  readonly #log: () => string;

  constructor(name: string, page: Page, log: () => string) {
    this.name = name;
    this.#page = page;
    this.#log = log;
  }

  stop(): Promise<void> {
    return this.#page.evaluate(() => (Reflect.get(window, "workload") as Workload).stop());
  }

  async dump(): Promise<Dump> {
    return dump.parse(
      await this.#page.evaluate(() => (Reflect.get(window, "workload") as Workload).dump()),
    );
  }

  async close(): Promise<void> {
    await this.#page.evaluate(() => (Reflect.get(window, "workload") as Workload).close());
    await this.#page.close();
  }

  history(): History {
    return { client: this.name, events: parseHistory(this.#log()), killedAt: undefined };
  }
}
