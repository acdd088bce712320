import { createEffect, createRoot } from "solid-js";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { createRenderer, defineComponent, h } from "vue";
import { StoreHandle } from "../actions/store-handle.ts";
import type { Client } from "../client/client.ts";
import { connect } from "../client/connect.ts";
import type { DKV } from "../dkv/dkv.ts";
import { dkv } from "../dkv/open-dkv.ts";
import { immutableView } from "../immutable/immutable-view.ts";
import { eventually } from "../testing/eventually.ts";
import { useTestNats } from "../testing/use-test-nats.ts";
import { createDKV, createDKVKey } from "./solid.ts";
import { readable, writable } from "./svelte.ts";
import { useDKV, useDKVKey } from "./vue.ts";

// Node gets Solid for servers, in which nothing reacts; this is the one that browsers get.
vi.mock("solid-js", () => vi.importActual("solid-js/dist/solid.js"));

describe("stores in other frameworks", () => {
  const nats = useTestNats();
  let clients: Client[] = [];
  let tests = 0;

  beforeEach(() => {
    tests += 1;
    clients = [];
  });
  afterEach(async () => {
    await Promise.all(clients.map((client) => client.close()));
  });

  function newClient(): Client {
    const client = connect(nats().url);
    clients.push(client);
    return client;
  }
  const options = (client: Client) => ({ client, project_id: `p${tests}`, name: "s" });
  const open = (): Promise<DKV<string>> => dkv<string>(options(newClient()));

  describe("Svelte", () => {
    it("gets the value at once and then every change, until it unsubscribes", async () => {
      const [mine, theirs] = await Promise.all([open(), open()]);
      mine.set("a", "1");
      const seen: string[] = [];
      const text = (values: Iterable<[string, string]>): string =>
        [...values].map(([key, value]) => `${key}=${value}`).join(" ");
      const stop = readable(mine).subscribe((values) => seen.push(text(values)));
      expect(seen).toEqual(["a=1"]);
      await mine.save();
      theirs.set("b", "2");
      await eventually(() => expect(seen.at(-1)).toBe("a=1 b=2"));
      stop();
      mine.set("c", "3");
      expect(seen.at(-1)).toBe("a=1 b=2");
      const sizes: number[] = [];
      readable(immutableView(mine)).subscribe(({ size }) => sizes.push(size))();
      expect(sizes).toEqual([3]);
    });

    it("reads and sets one key, of a store that is open or will be", async () => {
      const theirs = await open();
      const handle = new StoreHandle<string>(options(newClient()));
      for (const store of [theirs, handle]) {
        const title = writable(store, "title");
        const seen: (string | undefined)[] = [];
        const stop = title.subscribe((value) => seen.push(value));
        title.set("one");
        await eventually(() => expect(seen.at(-1)).toBe("one"));
        title.update((value) => `${value}!`);
        expect(seen).toEqual([undefined, "one", "one!"]);
        title.set(undefined);
        expect(seen.at(-1)).toBeUndefined();
        expect(store.has("title")).toBe(false);
        stop();
        await (await handle.ready()).save();
        await eventually(() => expect(theirs.isStable()).toBe(true));
      }
      await handle.close();
    });
  });

  describe("Vue", () => {
    /** As much of a page as Vue needs: text in nested nodes. */
    interface Node {
      text: string;
      parent: Node | null;
      children: Node[];
    }
    const node = (text = ""): Node => ({ text, parent: null, children: [] });
    const textOf = ({ text, children }: Node): string => text + children.map(textOf).join("");
    const setText = (at: Node, text: string): void => {
      at.text = text;
    };
    const { createApp } = createRenderer<Node, Node>({
      createElement: () => node(),
      createText: node,
      createComment: () => node(),
      setText,
      setElementText: setText,
      insert: (child, parent) => {
        child.parent = parent;
        parent.children.push(child);
      },
      remove: (child) => {
        const siblings = child.parent?.children ?? [];
        siblings.splice(siblings.indexOf(child), 1);
      },
      parentNode: ({ parent }) => parent,
      nextSibling: () => null,
      patchProp: () => {},
    });

    it("shows a store and a key while a component is mounted, and closes them with it", async () => {
      const theirs = await open();
      await theirs.set("a", "1").settled();
      const client = newClient();
      let shown: ReturnType<typeof useDKV<string>> | undefined;
      let title: ReturnType<typeof useDKVKey<string>> | undefined;
      const app = createApp(
        defineComponent(() => {
          const store = useDKV<string>(options(client));
          const key = useDKVKey<string>(options(client), "title", "untitled");
          shown = store;
          title = key;
          const text = (): string => [...store.values.value].join(" ");
          return () => h("p", `${store.status.value} ${key.value}: ${text()}`);
        }),
      );
      const page = node();
      app.mount(page);
      expect(textOf(page)).toBe("loading untitled: ");
      await eventually(() => expect(textOf(page)).toBe("live untitled: a,1"));
      if (title) title.value = "Hello";
      await eventually(() => expect(textOf(page)).toBe("live Hello: a,1 title,Hello"));
      await eventually(() => expect(theirs.get("title")).toBe("Hello"));
      theirs.delete("a");
      await eventually(() => expect(textOf(page)).toBe("live Hello: title,Hello"));
      const store = shown?.store.store;
      app.unmount();
      expect(shown?.store.closed).toBe(true);
      await eventually(() => expect(store?.closed).toBe(true));
    });

    it("shows why a write was refused, until the next, and why a store cannot be opened", async () => {
      await (await open()).set("a", "1").settled();
      const client = newClient();
      const page = node();
      let shown: ReturnType<typeof useDKV<string>> | undefined;
      const app = createApp(
        defineComponent(() => {
          const store = useDKV<string>(options(client));
          const wrong = useDKV({ ...options(client), account_id: "too" });
          shown = store;
          const kinds = () => [store, wrong].map(({ error }) => error.value?.kind ?? "fine");
          return () => h("p", `${store.status.value} ${kinds().join(" ")}`);
        }),
      );
      app.mount(page);
      await eventually(() => expect(textOf(page)).toBe("live fine bad-options"));
      shown?.store.set("a", "2", { ifSeq: 0 });
      await eventually(() => expect(textOf(page)).toBe("live conflict bad-options"));
      shown?.store.set("a", "3");
      await eventually(() => expect(textOf(page)).toBe("live fine bad-options"));
      app.unmount();
    });
  });

  describe("Solid", () => {
    it("shows a store and a key as long as their owner lives, and closes them with it", async () => {
      const theirs = await open();
      await theirs.set("a", "1").settled();
      const client = newClient();
      const seen: string[] = [];
      const { dispose, shown, setTitle } = createRoot((disposeRoot) => {
        const store = createDKV<string>(options(client));
        const [title, set] = createDKVKey<string>(options(client), "title", "untitled");
        createEffect(() =>
          seen.push(`${store.status()} ${title()}: ${[...store.values()].join(" ")}`),
        );
        return { dispose: disposeRoot, shown: store, setTitle: set };
      });
      expect(seen).toEqual(["loading untitled: "]);
      await eventually(() => expect(seen.at(-1)).toBe("live untitled: a,1"));
      setTitle("Hello");
      await eventually(() => expect(seen.at(-1)).toBe("live Hello: a,1 title,Hello"));
      await eventually(() => expect(theirs.get("title")).toBe("Hello"));
      theirs.delete("a");
      await eventually(() => expect(seen.at(-1)).toBe("live Hello: title,Hello"));
      const { store } = shown.store;
      dispose();
      await eventually(() => expect(store?.closed).toBe(true));
    });

    it("shows why a write was refused, until the next, and why a store cannot be opened", async () => {
      await (await open()).set("a", "1").settled();
      const client = newClient();
      const seen: string[] = [];
      const { dispose, store } = createRoot((disposeRoot) => {
        const good = createDKV<string>(options(client));
        const wrong = createDKV({ ...options(client), account_id: "too" });
        createEffect(() => {
          const kinds = [good, wrong].map(({ error }) => error()?.kind ?? "fine");
          seen.push(`${good.status()} ${kinds.join(" ")}`);
        });
        return { dispose: disposeRoot, store: good.store };
      });
      await eventually(() => expect(seen.at(-1)).toBe("live fine bad-options"));
      store.set("a", "2", { ifSeq: 0 });
      await eventually(() => expect(seen.at(-1)).toBe("live conflict bad-options"));
      store.set("a", "3");
      await eventually(() => expect(seen.at(-1)).toBe("live fine bad-options"));
      dispose();
    });
  });
});
