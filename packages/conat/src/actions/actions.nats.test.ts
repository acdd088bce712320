import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Client } from "../client/client.ts";
import { connect } from "../client/connect.ts";
import type { DKV } from "../dkv/dkv.ts";
import { dkv } from "../dkv/open-dkv.ts";
import type { ConatError } from "../protocol/conat-error.ts";
import type { PubSub } from "../pubsub/pubsub.ts";
import { eventually } from "../testing/eventually.ts";
import { useTestNats } from "../testing/use-test-nats.ts";
import { Actions } from "./actions.ts";
import type { StoreHandle } from "./store-handle.ts";

interface Build {
  readonly state: "running" | "done";
}
interface BuildStore {
  readonly build: Build;
  readonly log: string;
}

describe("a class of actions", () => {
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
  const project = (): string => `p${tests}`;
  const store = (client: Client): Promise<DKV<BuildStore>> =>
    dkv<BuildStore>({ client, project_id: project(), name: "build", ephemeral: true });

  /** Feeds and subscriptions that are open through a client. */
  function countOpen(client: Client): { open: number } {
    const counts = { open: 0 };
    const { session } = client;
    for (const method of ["openStore", "subscribe"] as const) {
      const original = session[method].bind(session) as (...args: unknown[]) => { close(): void };
      vi.spyOn(session, method).mockImplementation((...args: unknown[]) => {
        const opened = original(...args);
        counts.open += 1;
        return {
          close: () => {
            counts.open -= 1;
            opened.close();
          },
        };
      });
    }
    return counts;
  }

  class BuildActions extends Actions {
    readonly seen: (Build | undefined)[] = [];
    readonly heard: number[] = [];
    readonly errors: ConatError[] = [];
    readonly released: string[] = [];
    readonly store: StoreHandle<BuildStore>;
    readonly cursors: PubSub<number>;

    constructor(client: Client, project_id: string) {
      super({ client });
      this.store = this.dkv<BuildStore>({ project_id, name: "build", ephemeral: true });
      this.store.on("change", ({ key, value }) => {
        if (key === "build") this.seen.push(value as Build | undefined);
      });
      this.cursors = this.pubsub<number>({ project_id, name: "cursors" });
      this.cursors.on("change", (at) => this.heard.push(at));
      this.onClose(() => this.released.push("first"));
      this.onClose(() => this.released.push("second"));
    }

    start(): void {
      this.store.set("build", { state: "running" });
    }

    log(line: string): Promise<string | undefined> {
      return this.store.update("log", (text = "") => `${text}${line};`);
    }

    protected override onError(error: ConatError): void {
      this.errors.push(error);
    }
  }

  it("can be used at once: what it does before its store is open is done when it is, in order", async () => {
    const theirs = await store(newClient());
    const actions = new BuildActions(newClient(), project());
    expect(actions.store.status).toBe("loading");
    expect(actions.store.get("build")).toBeUndefined();
    actions.start();
    actions.store.set("build", { state: "done" });
    actions.store.set("log", "x");
    actions.store.delete("log");
    const logged = actions.log("a");
    await actions.ready();
    expect(actions.store.get("build")).toEqual({ state: "done" });
    expect(await logged).toBe("a;");
    await eventually(() => expect(theirs.get()).toEqual({ build: { state: "done" }, log: "a;" }));
    await eventually(() => expect(actions.seen.at(-1)).toEqual({ state: "done" }));
    await actions.close();
  });

  it("reads what was there, and hears what others do", async () => {
    const theirs = await store(newClient());
    theirs.set("build", { state: "running" });
    await theirs.save();
    const client = newClient();
    const actions = new BuildActions(client, project());
    let told = 0;
    actions.store.subscribe(() => {
      told += 1;
    });
    await actions.ready();
    expect(actions.store.get("build")).toEqual({ state: "running" });
    expect(actions.store.snapshot().size).toBe(1);
    expect(told).toBe(1);
    theirs.set("build", { state: "done" });
    await eventually(() => expect(actions.seen).toEqual([{ state: "done" }]));
    await client.ready();
    actions.cursors.set(7);
    await eventually(() => expect(actions.heard).toEqual([7]));
    await actions.close();
  });

  it("lets go of everything on close, listeners on a store that others keep included", async () => {
    const client = newClient();
    const counts = countOpen(client);
    const other = await store(client);
    const actions = new BuildActions(client, project());
    await actions.ready();
    expect(counts.open).toBe(2);
    await actions.close();
    await actions.close();
    expect(actions.closed).toBe(true);
    expect(actions.released).toEqual(["second", "first"]);
    expect(counts.open).toBe(1);
    other.set("build", { state: "done" });
    await other.save();
    await eventually(() => expect(other.time("build")).toBeGreaterThan(0));
    expect(actions.seen).toEqual([]);
    await other.close();
    expect(counts.open).toBe(0);
    expect(() => actions.start()).toThrowError(expect.objectContaining({ kind: "closed" }));
    expect(() => actions.cursors.set(1)).toThrowError(expect.objectContaining({ kind: "closed" }));
  });

  it("lets go of everything when close comes before open has finished, and loses nothing", async () => {
    const theirs = await store(newClient());
    const client = newClient();
    const counts = countOpen(client);
    const actions = new BuildActions(client, project());
    actions.start();
    await actions.close();
    expect(counts.open).toBe(0);
    await eventually(() => expect(theirs.get("build")).toEqual({ state: "running" }));
    expect(actions.seen).toEqual([]);
    expect(actions.errors).toEqual([]);

    const idle = new BuildActions(newClient(), project());
    const closing = idle.close();
    expect(idle.store.status).toBe("closed");
    await closing;
  });

  it("says why a store cannot be opened, and what of an early operation failed", async () => {
    class Refused extends BuildActions {
      readonly bad = this.dkv({ project_id: "", name: "no scope" });
    }
    const actions = new Refused(newClient(), project());
    await expect(actions.ready()).rejects.toMatchObject({ kind: "bad-name" });
    await eventually(() => expect(actions.errors.map(({ kind }) => kind)).toEqual(["bad-name"]));
    expect(actions.bad.status).toBe("closed");
    expect(() => actions.bad.set("a", 1)).toThrowError(
      expect.objectContaining({ kind: "bad-name" }),
    );
    await actions.close();

    const careless = new BuildActions(newClient(), project());
    careless.store.set("log", (() => "no text") as unknown as string);
    careless.store.set("build", { state: "running" });
    await careless.ready();
    expect(careless.errors.map(({ kind }) => kind)).toEqual(["not-serialisable"]);
    expect(careless.store.get("build")).toEqual({ state: "running" });
    await careless.close();
  });

  it("bounds what waits for a store", async () => {
    const client = connect("nats://127.0.0.1:1");
    clients.push(client);
    const actions = new BuildActions(client, project());
    for (let n = 0; n < 1_000; n += 1) actions.store.set("log", `${n}`);
    expect(() => actions.store.set("log", "one more")).toThrowError(
      expect.objectContaining({ kind: "outbox-full" }),
    );
    const closing = actions.close();
    await client.close();
    await expect(closing).rejects.toMatchObject({ kind: "closed" });
  });

  describe("written by hand", () => {
    class HandWritten {
      readonly seen: (Build | undefined)[] = [];
      private store?: DKV<BuildStore>;
      private closed = false;

      async init(client: Client, project_id: string): Promise<void> {
        this.store = await dkv<BuildStore>({
          client,
          project_id,
          name: "build",
          ephemeral: true,
        });
        if (this.closed) {
          void this.store.close();
          return;
        }
        const current = this.store.get("build");
        if (current) this.seen.push(current);
        this.store.on("change", ({ key, value }) => {
          if (key !== "build") return;
          this.seen.push(value as Build | undefined);
        });
      }

      start(): void {
        this.store?.set("build", { state: "running" });
      }

      close(): void {
        this.closed = true;
        void this.store?.close();
      }
    }

    it("reads, writes, listens and closes", async () => {
      const theirs = await store(newClient());
      theirs.set("build", { state: "done" });
      await theirs.save();
      const client = newClient();
      const counts = countOpen(client);
      const actions = new HandWritten();
      await actions.init(client, project());
      expect(actions.seen).toEqual([{ state: "done" }]);
      actions.start();
      await eventually(() => expect(theirs.get("build")).toEqual({ state: "running" }));
      await eventually(() => expect(actions.seen.at(-1)).toEqual({ state: "running" }));
      actions.close();
      await eventually(() => expect(counts.open).toBe(0));
    });

    it("leaves nothing open when it is closed before its store is open", async () => {
      const client = newClient();
      const counts = countOpen(client);
      const actions = new HandWritten();
      const opening = actions.init(client, project());
      actions.close();
      await opening;
      await eventually(() => expect(counts.open).toBe(0));
      expect(actions.seen).toEqual([]);
    });
  });
});
