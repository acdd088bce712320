import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { dkv } from "@conat/conat";
import { openJetstream } from "@conat/conat/jetstream";
import { eventually } from "@conat/conat/testing";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { backUp } from "../../packages/conat/src/backup/back-up.ts";
import { carryOutRestore, planRestore } from "../../packages/conat/src/backup/restore.ts";
import { project_id, useBench } from "./bench.ts";

const bench = useBench();
const CONAT = fileURLToPath(new URL("../../packages/conat/src/cli/main.ts", import.meta.url));

let folder = "";
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "conat-backup-"));
});
afterEach(() => rm(folder, { recursive: true }));

interface Outcome {
  readonly code: number;
  readonly out: string;
  readonly said: string;
}

/** Runs the command `conat` as an operator does. */
function conat(...args: string[]): Promise<Outcome> {
  const node = ["--conditions=source", "--import", "tsx", CONAT, ...args];
  return new Promise((resolve) => {
    execFile(process.execPath, node, { cwd: import.meta.dirname }, (error, out, said) =>
      resolve({ code: typeof error?.code === "number" ? error.code : 0, out, said }),
    );
  });
}

describe("conat backup and conat restore", () => {
  it("bring a running system back to what it was, and everybody sees it", async () => {
    const nats = await bench.nats();
    const hub = await bench.hub({ natsUrl: nats.url });
    const options = { project_id, name: "notes" };
    const alice = await dkv<unknown>({ client: bench.client(hub.url), ...options });
    const bob = await dkv<unknown>({ client: bench.client(nats.url), ...options });
    const date = new Date(5);
    const longKey = "k".repeat(3_000);
    alice.set("kept", { title: "Milk" });
    alice.set("changed", [1, 2]);
    alice.set("deleted", date);
    alice.set(longKey, "long", { headers: { by: "alice" } });
    await alice.save();
    const file = join(folder, "monday.conat");
    const backup = await conat("backup", file, "--address", nats.url);
    expect(backup).toMatchObject({ code: 0, said: "" });

    alice.set("changed", "later");
    alice.delete("deleted");
    alice.set("added", "later");
    await alice.save();
    await eventually(() => expect(bob.get("added")).toBe("later"));
    const changes: string[] = [];
    bob.on("change", ({ key, value }) => changes.push(`${key}=${JSON.stringify(value)}`));

    const plan = await conat("restore", file, "--address", nats.url);
    expect(plan).toMatchObject({ code: 0, said: expect.stringContaining("nothing was changed") });
    expect(JSON.parse(plan.out)).toMatchObject({ written: 2, removed: 1, unchanged: 2 });
    expect(bob.get("added")).toBe("later");

    const restored = await conat("restore", file, "--yes", "--address", nats.url);
    expect(restored).toMatchObject({ code: 0, said: "" });
    const all = {
      kept: { title: "Milk" },
      changed: [1, 2],
      deleted: date,
      [longKey]: "long",
    };
    await eventually(() => expect([alice.get(), bob.get()]).toEqual([all, all]));
    expect(bob.headers(longKey)).toEqual({ by: "alice" });
    expect(changes.toSorted()).toEqual([
      "added=undefined",
      "changed=[1,2]",
      `deleted=${JSON.stringify(date)}`,
    ]);
  });

  it("bring everything into a system that was lost, and clients that were there notice", async () => {
    const first = await bench.nats();
    const hub = await bench.hub({ natsUrl: first.url });
    const options = { project_id, name: "notes" };
    const alice = await dkv<string>({ client: bench.client(hub.url), ...options });
    alice.set("a", "1");
    alice.set("gone soon", "1", { ttlMs: 60_000 });
    await alice.save();
    const file = join(folder, "all.conat");
    await backUp(bench.later(await openJetstream({ servers: first.url })), file);
    alice.set("b", "2");
    await alice.save();
    const lost: string[] = [];
    alice.on("lost", ({ key }) => lost.push(key));
    await hub.close();
    const { port } = hub;
    await first.stop();

    const second = await bench.nats();
    const session = bench.later(await openJetstream({ servers: second.url }));
    const plan = await planRestore(session, file);
    expect(plan.writes.map(({ key }) => key)).toEqual(["a", "gone soon"]);
    await carryOutRestore(session, plan);
    await bench.hub({ natsUrl: second.url, port });
    await eventually(() => expect(alice.get()).toEqual({ a: "1", "gone soon": "1" }));
    expect(lost).toEqual(["b"]);
  });

  it("refuse what is cut short or no backup, by name", async () => {
    const nats = await bench.nats();
    const session = bench.later(await openJetstream({ servers: nats.url }));
    const file = join(folder, "all.conat");
    await backUp(session, file);
    const whole = await readFile(file);
    await writeFile(file, whole.subarray(0, whole.length - 20));
    await expect(planRestore(session, file)).rejects.toMatchObject({ kind: "bad-request" });
    await writeFile(file, "something else");
    await expect(planRestore(session, file)).rejects.toMatchObject({ kind: "bad-request" });
    await expect(planRestore(session, join(folder, "none"))).rejects.toMatchObject({
      kind: "bad-request",
      message: expect.stringContaining("none is no backup that can be read"),
    });
    expect(await conat("backup", file, "--address", "http://127.0.0.1:1")).toMatchObject({
      code: 2,
      said: expect.stringContaining("straight to NATS"),
    });
  });
});
