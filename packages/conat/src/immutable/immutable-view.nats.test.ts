import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Client } from "../client/client.ts";
import { connect } from "../client/connect.ts";
import { DKV } from "../dkv/dkv.ts";
import { dkv } from "../dkv/open-dkv.ts";
import { ConatError } from "../protocol/conat-error.ts";
import { eventually } from "../testing/eventually.ts";
import { useTestNats } from "../testing/use-test-nats.ts";
import { immutableView } from "./immutable-view.ts";

describe("a whole store as an Immutable.js Map", () => {
  const nats = useTestNats();
  let clients: Client[] = [];
  let tests = 0;

  beforeEach(() => {
    tests += 1;
    clients = [];
  });
  afterEach(async () => {
    vi.restoreAllMocks();
    await Promise.all(clients.map((client) => client.close()));
  });

  function open<T>(options: { noAutosave?: boolean } = {}): Promise<DKV<T>> {
    const client = connect(nats().url);
    clients.push(client);
    return dkv<T>({ client, project_id: `p${tests}`, name: "s", ...options });
  }

  it("shows what the store shows, whether or not anybody is subscribed", async () => {
    const [mine, theirs] = await Promise.all([open<unknown>(), open<unknown>()]);
    const view = immutableView(mine);
    expect(view.snapshot().size).toBe(0);
    mine.set("a", 1);
    expect(view.snapshot().toObject()).toEqual({ a: 1 });
    const stop = view.subscribe(() => {});
    mine.setMany({ b: { n: 2 }, c: null });
    expect(view.snapshot().toObject()).toEqual({ a: 1, b: { n: 2 }, c: null });
    mine.delete("a");
    theirs.set("d", [4]);
    await eventually(() => expect(view.snapshot().get("d")).toEqual([4]));
    expect(view.snapshot().toObject()).toEqual({ ...mine.get() });
    stop();
    mine.set("b", { n: 3 });
    mine.delete("c");
    expect(view.snapshot().toObject()).toEqual({ b: { n: 3 }, d: [4] });
  });

  it("is the same Map until something changes, dates included", async () => {
    const store = await open<unknown>();
    const view = immutableView(store);
    store.setMany({ at: new Date(5), b: { n: 1 } });
    const before = view.snapshot();
    expect(view.snapshot()).toBe(before);
    const stop = view.subscribe(() => {});
    expect(view.snapshot()).toBe(before);
    await store.save();
    // Stored as it was written: nothing to see has changed.
    expect(view.snapshot()).toBe(before);
    stop();
    expect(view.snapshot()).toBe(before);
    store.set("c", 1);
    const after = view.snapshot();
    expect(after).not.toBe(before);
    expect(after.get("b")).toBe(before.get("b"));
    expect(before.has("c")).toBe(false);
  });

  it("reads only what has changed while somebody is subscribed, and is right inside a change handler", async () => {
    const store = await open<number>({ noAutosave: true });
    store.setMany(new Map(Array.from({ length: 5_000 }, (_, n) => [`key ${n}`, n])));
    const view = immutableView(store);
    let told = 0;
    const stop = view.subscribe(() => {
      told += 1;
    });
    view.snapshot();
    const reads = vi.spyOn(DKV.prototype, "get");
    for (let n = 0; n < 100; n += 1) {
      store.set("key 7", -n);
      expect(view.snapshot().get("key 7")).toBe(-n);
    }
    expect(told).toBe(100);
    expect(reads).toHaveBeenCalledTimes(100);
    const agreed: boolean[] = [];
    store.on("change", ({ key, value }) => agreed.push(view.snapshot().get(key) === value));
    await store.save();
    await eventually(() => expect(agreed.length).toBe(5_000));
    expect(agreed.every(Boolean)).toBe(true);
    stop();
  });

  it("is shared by all who ask for it, and follows as long as one of them is subscribed", async () => {
    const store = await open<number>();
    expect(immutableView(store)).toBe(immutableView(store));
    const view = immutableView(store);
    const stopOne = view.subscribe(() => {});
    const stopTwo = view.subscribe(() => {});
    stopOne();
    stopOne();
    store.set("a", 1);
    expect(view.snapshot().get("a")).toBe(1);
    stopTwo();
    store.set("a", 2);
    expect(view.snapshot().get("a")).toBe(2);
  });

  it("is empty when the store may no longer be seen", async () => {
    const store = await open<number>();
    store.set("a", 1);
    const view = immutableView(store);
    const stop = view.subscribe(() => {});
    expect(view.snapshot().size).toBe(1);
    store.abort(new ConatError("revoked", "by the test"));
    expect(view.snapshot().size).toBe(0);
    stop();
  });
});
