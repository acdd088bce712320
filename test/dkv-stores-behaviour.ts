import { type DkvChange, destroyScope, destroyStore, listStores } from "@conat/conat";
import { eventually } from "@conat/conat/testing";
import { describe, expect, it } from "vitest";
import type { DkvBench } from "./dkv-bench.ts";

/** Finding stores and removing them: the same through hubs and straight on NATS. */
export function describeDkvStores({ project, newClient, newest, cuttable, open, pair }: DkvBench) {
  const list = () => listStores({ client: newest(), project_id: project() });
  const destroy = (name = "store", ephemeral = false) =>
    destroyStore({ client: newest(), project_id: project(), name, ephemeral });

  describe("the stores of a project", () => {
    it("are listed by whoever may read them, with how many keys each has", async () => {
      expect(await listStores({ client: newClient(), project_id: project() })).toEqual([]);
      const one = await open({ name: "one" });
      one.setMany({ a: 1, b: 2, c: 3 });
      one.delete("b");
      const cache = await open({ name: "ünï.*", ephemeral: true });
      cache.set("", 1);
      await open({ name: "opened and never written" });
      await Promise.all([one.save(), cache.save()]);
      expect(await list()).toEqual([
        { name: "one", ephemeral: false, keys: 2 },
        { name: "ünï.*", ephemeral: true, keys: 1 },
      ]);
    });

    it("go all at once, what they were is told, and nobody else's go", async () => {
      const stores = [await open({ name: "a" }), await open({ name: "b", ephemeral: true })];
      const mine = await open({ project_id: undefined, account_id: "alice", name: project() });
      for (const store of [...stores, mine]) store.set("k", 1);
      await Promise.all([...stores, mine].map((store) => store.save()));
      const gone = await destroyScope({ client: newest(), project_id: project() });
      expect(gone.map(({ name }) => name)).toEqual(["a", "b"]);
      await eventually(() => expect(stores.map(({ size }) => size)).toEqual([0, 0]));
      expect(await list()).toEqual([]);
      expect(mine.get("k")).toBe(1);
    });

    it("are of exactly one account or project", async () => {
      const client = newClient();
      for (const scope of [{}, { project_id: project(), account_id: "alice" }]) {
        await expect(listStores({ client, ...scope })).rejects.toMatchObject({
          kind: "bad-options",
        });
      }
    });
  });

  describe("a store that is destroyed", () => {
    it("is empty for everybody, with a change for each key that had a value, and lives on", async () => {
      const stores = await pair<number>();
      const other = await open<number>({ name: "other" });
      const [mine, theirs] = stores;
      mine.setMany({ a: 1, b: 2 });
      other.set("k", 1);
      await Promise.all([mine.save(), other.save()]);
      await eventually(() => expect(theirs.get()).toEqual({ a: 1, b: 2 }));
      const heard = stores.map((store) => {
        const removals: DkvChange<number>[] = [];
        store.on("change", (change) => {
          if (change.kind !== "put") removals.push(change);
        });
        return removals;
      });
      await destroy();
      for (const [at, removals] of heard.entries()) {
        await eventually(() => expect(removals).toHaveLength(2));
        for (const [key, prev] of Object.entries({ a: 1, b: 2 })) {
          const change = removals.find((one) => one.key === key);
          expect(change).toMatchObject({ kind: "floor", prev, own: false, pending: false });
          expect(change?.value).toBeUndefined();
        }
        expect(stores[at]?.get()).toEqual({});
        expect(stores[at]?.size).toBe(0);
        expect(stores[at]?.status).toBe("live");
      }
      await mine.update("a", (value = 0) => value + 1);
      theirs.set("b", 5, { ifSeq: 0 });
      await theirs.save();
      for (const store of stores)
        await eventually(() => expect(store.get()).toEqual({ a: 1, b: 5 }));
      expect(other.get()).toEqual({ k: 1 });
      expect((await open({ noCache: true })).get()).toEqual({ a: 1, b: 5 });
    });

    it("is empty for who was away, who is told so when coming back", async () => {
      const { client, line } = await cuttable();
      const away = await open<number>({ client });
      const here = await open<number>();
      here.setMany({ a: 1, b: 2 });
      await here.save();
      await eventually(() => expect(away.size).toBe(2));
      const changes: DkvChange<number>[] = [];
      away.on("change", (change) => void changes.push(change));
      line.cut();
      await eventually(() => expect(away.status).toBe("stale"));
      await destroy();
      here.set("b", 3);
      here.set("c", 4);
      await here.save();
      expect(away.get()).toEqual({ a: 1, b: 2 });
      line.mend();
      await eventually(() => expect(away.get()).toEqual({ b: 3, c: 4 }));
      expect(changes.find(({ key }) => key === "a")).toMatchObject({ kind: "floor", prev: 1 });
      expect(away.status).toBe("live");
    });

    it("is empty for who opens it again, and for who opens it later", async () => {
      const client = newClient();
      const store = await open<number>({ client });
      store.set("a", 1);
      await store.save();
      await store.close();
      await destroyStore({ client, project_id: project(), name: "store" });
      expect((await open({ client })).get()).toEqual({});
      expect((await open()).get()).toEqual({});
      expect(await list()).toEqual([]);
    });

    it("takes in what somebody wrote meanwhile and could not send", async () => {
      const { client, line } = await cuttable();
      const away = await open<number>({ client });
      away.setMany({ a: 1, b: 1 });
      await away.save();
      line.cut();
      await eventually(() => expect(away.status).toBe("stale"));
      away.set("a", 2);
      newClient();
      await destroy();
      expect(away.get("a")).toBe(2);
      line.mend();
      await away.save();
      expect(away.get()).toEqual({ a: 2 });
      expect((await open()).get()).toEqual({ a: 2 });
    });

    it("is a removal to a merge", async () => {
      const { client, line } = await cuttable();
      const merge = ({ local, remote, prev }: Record<"local" | "remote" | "prev", unknown>) =>
        `${prev}, ${local}, ${remote}`;
      const away = await open<string>({ client, merge });
      away.set("a", "one");
      await away.save();
      line.cut();
      await eventually(() => expect(away.status).toBe("stale"));
      away.set("a", "two");
      newClient();
      await destroy();
      line.mend();
      await away.save();
      expect(away.get("a")).toBe("one, two, undefined");
    });

    it("is the one that is named: persistent or ephemeral", async () => {
      const disk = await open<number>();
      const memory = await open<number>({ ephemeral: true });
      for (const store of [disk, memory]) store.set("k", 1);
      await Promise.all([disk.save(), memory.save()]);
      await destroy("store", true);
      await eventually(() => expect(memory.size).toBe(0));
      expect(disk.get()).toEqual({ k: 1 });
    });
  });
}
