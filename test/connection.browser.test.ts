import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { connect, dkv, PubSub, type UnsavedStore } from "@conat/conat";
import { eventually, useTestNats } from "@conat/conat/testing";
import { type Hub, startHub } from "@conat/hub";
import { Kvm } from "@nats-io/kv";
import { connect as connectNats } from "@nats-io/transport-node";
import { type Browser, type BrowserContext, chromium, type Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { bundlePage } from "./page-bundle.ts";

const project_id = "browser";

/** The page: a client of the hub that its address names, and what it hears on one channel. */
const PAGE = `
  import { connect, dkv, PubSub, warnBeforeUnload } from "@conat/conat";
  const address = new URLSearchParams(location.search).get("hub");
  const identity = { account_id: "alice", projects: ["${project_id}"] };
  const client = connect({ address, identity });
  const states = [];
  client.onStatus(({ state }) => states.push(state));
  const heard = [];
  const channel = new PubSub({ client, project_id: "${project_id}", name: "chat" });
  channel.on("change", (data, { own }) => heard.push([data, own]));
  const store = await dkv({ client, project_id: "${project_id}", name: "shared" });
  const held = await dkv({ client, project_id: "${project_id}", name: "held", noAutosave: true });
  window.page = { client, channel, states, heard, store, held, warnBeforeUnload };
`;

interface PageState {
  readonly client: { readonly status: { readonly state: string } };
  readonly channel: { set(data: unknown): void };
  readonly states: string[];
  readonly heard: [unknown, boolean][];
  readonly store: {
    get(key: string): unknown;
    set(key: string, value: unknown): void;
    save(): Promise<void>;
    natsKey(key: string): string;
  };
  /** A store that is saved by hand. */
  readonly held: UnsavedStore & PageState["store"];
  warnBeforeUnload(store: UnsavedStore): () => void;
}

const chromiumPath = process.env.CONAT_CHROMIUM;

describe("a page in Chromium", () => {
  const nats = useTestNats();
  let hub: Hub;
  let web: Server;
  let browser: Browser;
  let context: BrowserContext;
  let page: Page;

  beforeAll(async () => {
    if (chromiumPath === undefined) throw new Error("set CONAT_CHROMIUM to the path of a Chromium");
    const { code } = await bundlePage(PAGE);
    hub = await startHub({ port: 0, dev: true, natsUrl: nats().url });
    web = createServer((request, response) => {
      const isScript = request.url === "/page.js";
      response.setHeader("content-type", isScript ? "text/javascript" : "text/html");
      response.end(
        isScript
          ? code
          : `<link rel="icon" href="data:,"><script type="module" src="/page.js"></script>`,
      );
    });
    await new Promise<void>((resolve) => web.listen(0, "127.0.0.1", resolve));
    browser = await chromium.launch({ executablePath: chromiumPath });
    context = await browser.newContext();
    page = await context.newPage();
    const { port } = web.address() as AddressInfo;
    await page.goto(`http://127.0.0.1:${port}/?hub=${encodeURIComponent(hub.url)}`);
  });
  afterAll(async () => {
    await browser?.close();
    await hub?.close();
    await new Promise((resolve) => web.close(resolve));
  });

  const look = (): Promise<{ state: string; states: string[]; heard: [unknown, boolean][] }> =>
    page.evaluate(() => {
      const { client, states, heard } = Reflect.get(window, "page") as PageState;
      return { state: client.status.state, states, heard };
    });

  it("connects, and talks with a backend", async () => {
    await eventually(async () => (await look()).state === "ready");
    const client = connect(nats().url);
    const channel = new PubSub<{ at: Date }>({ client, project_id, name: "chat" });
    const sent = { at: new Date(5) };
    await eventually(async () => {
      channel.set(sent);
      return (await look()).heard.length > 0;
    });
    expect((await look()).heard[0]).toEqual([sent, false]);
    const answer = new Promise((resolve) =>
      channel.on("change", (data, { own }) => {
        if (!own) resolve(data);
      }),
    );
    await page.evaluate(() => (Reflect.get(window, "page") as PageState).channel.set("answer"));
    expect(await answer).toBe("answer");
    await client.close();
  });

  it("shares a store with a plain NATS KV client, as readable JSON", async () => {
    const connection = await connectNats({ servers: nats().url });
    const bucket = await new Kvm(connection).open("conat-p0");
    const name = await page.evaluate(async () => {
      const { store } = Reflect.get(window, "page") as PageState;
      store.set("from the page", { n: 1 });
      await store.save();
      return store.natsKey("from the page");
    });
    expect((await bucket.get(name))?.json()).toEqual({ n: 1 });
    await bucket.put(name, JSON.stringify({ n: 2 }));
    const shown = (): Promise<unknown> =>
      page.evaluate(() => (Reflect.get(window, "page") as PageState).store.get("from the page"));
    await eventually(async () => expect(await shown()).toEqual({ n: 2 }));
    await connection.close();
  });

  it("is cut when the device goes offline, and back as soon as it is online", async () => {
    await context.setOffline(true);
    await eventually(async () => (await look()).state === "waiting");
    await context.setOffline(false);
    await eventually(async () => (await look()).state === "ready");
    await page.evaluate(() => (Reflect.get(window, "page") as PageState).channel.set("back"));
    await eventually(async () =>
      (await look()).heard.some(([data, own]) => data === "back" && own),
    );
  });

  it("sends what is held back when it is left, and is asked about it first", async () => {
    const questions: string[] = [];
    page.on("dialog", (dialog) => {
      questions.push(dialog.type());
      void dialog.accept();
    });
    const leave = async (isSaved: boolean): Promise<void> => {
      await page.evaluate(async (save) => {
        const { held, warnBeforeUnload } = Reflect.get(window, "page") as PageState;
        warnBeforeUnload(held);
        held.set(save ? "saved" : "unsaved", 1);
        if (save) await held.save();
      }, isSaved);
      await page.click("body"); // a page that nobody has touched may not ask
      await page.reload();
    };
    const client = connect(nats().url);
    const store = await dkv<number>({ client, project_id, name: "held" });
    await leave(false);
    await eventually(() => expect(store.get("unsaved")).toBe(1));
    await page.waitForFunction(() => Reflect.has(window, "page"));
    await leave(true);
    expect(questions).toEqual(["beforeunload"]);
    await client.close();
  });
});
