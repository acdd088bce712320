import { spawn } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Client, connect, type DKV, destroyStore, dkv } from "@conat/conat";
import { createNkey } from "@conat/conat/jetstream";
import { eventually, startTestNats, useTestNats } from "@conat/conat/testing";
import { type Hub, startHub } from "@conat/hub";
import { Kvm } from "@nats-io/kv";
import { connect as connectNats } from "@nats-io/transport-node";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type CliOptions, parseLines, type RunningCli, runCli, startCli } from "./cli-kit.ts";

const nats = useTestNats();
let hub: Hub;
let projects = 0;
let project_id = "";
const running: RunningCli[] = [];
const clients: Client[] = [];

beforeAll(async () => {
  hub = await startHub({ port: 0, dev: true, natsUrl: nats().url });
});
afterAll(() => hub.close());
beforeEach(() => {
  projects += 1;
  project_id = `cli-${projects}`;
});
afterEach(async () => {
  for (const { child } of running.splice(0)) child.kill("SIGKILL");
  await Promise.all(clients.splice(0).map((client) => client.close()));
});

/** Every run is a process of its own, which takes a while on a small machine. */
const TIMEOUT_MS = 60_000;
const ONE_SENTENCE = /^conat: [^\n]+\n$/;
const ENTRY = { seq: expect.any(Number), time: expect.stringMatching(/^\d{4}-.*Z$/) };

const places: [string, () => string][] = [
  ["through a hub", () => hub.url],
  ["straight on NATS", () => nats().url],
];

describe.each(places)("conat %s", { timeout: TIMEOUT_MS }, (_place, address) => {
  const where = (): string[] => ["--address", address(), "--project", project_id];
  const run = (args: string[], options?: CliOptions) =>
    runCli([...args, ...where(), "--store", "todos"], options);
  const watch = (...args: string[]): RunningCli => {
    const cli = startCli(["watch", ...args, ...where(), "--store", "todos"]);
    running.push(cli);
    return cli;
  };
  const open = (name: string, ephemeral = false): Promise<DKV<unknown>> => {
    const client = connect({ address: address(), identity: { project_id } });
    clients.push(client);
    return dkv<unknown>({ client, project_id, name, ephemeral });
  };

  it("sets, gets, lists and deletes, in JSON and with exit codes", async () => {
    const value = { title: 'Buy "milk"', tags: ["ü", null], n: -0.5 };
    const stored = await run(["set", "milk", JSON.stringify(value)]);
    expect(stored).toMatchObject({ code: 0, stderr: "" });
    expect(parseLines(stored.stdout)).toEqual([{ key: "milk", seq: expect.any(Number) }]);
    const set = await run(["set", "", "-", "--ttl", "1h", "--if-seq", "0"], { stdin: " [ 5 ]\n" });
    const [{ seq }] = parseLines(set.stdout) as [{ seq: number }];
    const [got, listed, long, taken] = await Promise.all([
      run(["get", "milk"]),
      run(["ls"]),
      run(["ls", "--long"]),
      run(["set", "", "6", "--if-seq", "0"]),
    ]);
    expect(got).toEqual({ code: 0, stdout: `${JSON.stringify(value)}\n`, stderr: "" });
    expect(parseLines(listed.stdout)).toEqual(["", "milk"]);
    expect(parseLines(long.stdout)).toEqual([
      { key: "", value: [5], ...ENTRY },
      { key: "milk", value, ...ENTRY },
    ]);
    expect(taken).toEqual({
      code: 1,
      stdout: "",
      stderr: `conat: not stored: the key has sequence ${seq}, and --if-seq says 0\n`,
    });
    const [entry, wrong, deleted] = await Promise.all([
      run(["get", "", "--long"]),
      run(["delete", "", "--if-seq", "1"]),
      run(["delete", "milk"]),
    ]);
    expect(parseLines(entry.stdout)).toEqual([
      { key: "", value: [5], ...ENTRY, seq, ttlMs: 3_600_000 },
    ]);
    expect([wrong.code, deleted.code]).toEqual([1, 0]);
    const gone = { code: 3, stdout: "", stderr: expect.stringMatching(/^conat: .*"milk".*\n$/) };
    expect(await Promise.all([run(["get", "milk"]), run(["delete", "milk"])])).toEqual([
      gone,
      gone,
    ]);
  });

  it("watches until it is interrupted: what is there, then every change", async () => {
    const store = await open("todos");
    store.setMany({ a: { at: new Date(0) }, b: 0 });
    await store.save();
    const all = watch("--snapshot");
    const one = watch("--snapshot", "b", "c");
    // Who has printed what is there hears every change from then on.
    await Promise.all([all.lines(2), one.lines(1)]);
    store.set("a", 1);
    await store.save();
    store.set("b", "last");
    await store.save();
    store.delete("a");
    await store.save();
    await destroyStore({ client: clients[0], project_id, name: "todos" });
    expect(await all.lines(6)).toEqual([
      { kind: "put", key: "a", value: { at: { $date: "1970-01-01T00:00:00.000Z" } }, ...ENTRY },
      { kind: "put", key: "b", value: 0, ...ENTRY },
      { kind: "put", key: "a", value: 1, ...ENTRY },
      { kind: "put", key: "b", value: "last", ...ENTRY },
      { kind: "delete", key: "a", ...ENTRY },
      { kind: "floor", key: "b", ...ENTRY },
    ]);
    expect(await one.lines(3)).toEqual([
      { kind: "put", key: "b", value: 0, ...ENTRY },
      { kind: "put", key: "b", value: "last", ...ENTRY },
      { kind: "floor", key: "b", ...ENTRY },
    ]);
    all.child.kill("SIGINT");
    one.child.kill("SIGTERM");
    expect(await all.ended).toMatchObject({ code: 0, stderr: "" });
    expect(await one.ended).toMatchObject({ code: 0, stderr: "" });
  });

  it("lists stores, and destroys one or all when that is meant", async () => {
    for (const store of [await open("todos"), await open("todos", true), await open("other")]) {
      store.set("k", 1);
      await store.save();
    }
    expect(parseLines((await run(["stores"])).stdout)).toEqual([
      { name: "other", ephemeral: false, keys: 1 },
      { name: "todos", ephemeral: false, keys: 1 },
      { name: "todos", ephemeral: true, keys: 1 },
    ]);
    const destroyed = await run(["destroy", "--yes"]);
    expect(parseLines(destroyed.stdout)).toEqual([{ name: "todos", ephemeral: false, keys: 1 }]);
    expect(await run(["destroy", "--yes"])).toMatchObject({ code: 3, stdout: "" });
    const all = await runCli(["destroy", "--all", "--yes", ...where()]);
    expect(parseLines(all.stdout)).toHaveLength(2);
    expect((await run(["stores"])).stdout).toBe("");
  });
});

describe("conat", { timeout: TIMEOUT_MS }, () => {
  const env = (): CliOptions => ({ env: { CONAT_URL: nats().url } });
  const inStore = (): string[] => ["--project", project_id, "--store", "s"];

  it("takes strings as they are, and gives them back so", async () => {
    const stdin = "one\ntwo";
    await runCli(["set", "text", "-", "--string", ...inStore()], { ...env(), stdin });
    const [json, plain, raw] = await Promise.all([
      runCli(["get", "text", ...inStore()], env()),
      runCli(["get", "text", "--string", ...inStore()], env()),
      runCli(["get", "text", "--raw", ...inStore()], env()),
    ]);
    expect(json.stdout).toBe('"one\\ntwo"\n');
    expect(plain.stdout).toBe("one\ntwo\n");
    expect(raw.stdout).toBe('"one\\ntwo"');
  });

  it("shows what somebody else has stored, and says what it cannot read", async () => {
    const connection = await connectNats({ servers: nats().url });
    const kv = await new Kvm(connection).open("conat-p0");
    await kv.put(`project.${project_id}.s.bad`, "no JSON");
    await connection.close();
    const [get, raw, ls] = await Promise.all([
      runCli(["get", "bad", ...inStore()], env()),
      runCli(["get", "bad", "--raw", ...inStore()], env()),
      runCli(["ls", "--long", ...inStore()], env()),
    ]);
    expect(get).toMatchObject({ code: 1, stdout: "", stderr: expect.stringMatching(ONE_SENTENCE) });
    expect(raw.stdout).toBe("no JSON");
    expect(parseLines(ls.stdout)).toMatchObject([{ key: "bad", invalid: expect.any(String) }]);
  });

  it("is to a hub in development mode whoever it is told to be", async () => {
    const as = (...who: string[]) =>
      runCli(["set", "k", "1", ...inStore(), ...who], { env: { CONAT_URL: hub.url } });
    const [owner, editor, stranger, guest] = await Promise.all([
      as("--as-account", "alice"),
      as("--as-account", "bob", "--projects", `x,${project_id}`),
      as("--as-account", "mallory", "--projects", "x,y"),
      as("--as-project", "x"),
    ]);
    expect([owner.code, editor.code, stranger.code, guest.code]).toEqual([0, 0, 1, 1]);
    expect(stranger.stderr).toBe(
      `conat: account mallory may not write in scope project/${project_id}\n`,
    );
  });

  it("says in one sentence why it cannot, and exits with 1", async () => {
    const where = [...inStore(), "--timeout", "300ms"];
    const results = await Promise.all([
      runCli(["get", "k", "--address", "http://127.0.0.1:1", ...where]),
      runCli(["watch", "--address", "nats://127.0.0.1:1", ...where]),
      runCli(["set", "k", "-", "--string", ...where], { ...env(), stdin: "x".repeat(600_000) }),
    ]);
    const failed = { code: 1, stdout: "", stderr: expect.stringMatching(ONE_SENTENCE) };
    expect(results).toEqual([failed, failed, failed]);
  });

  it("says what is wrong with how it is used, and exits with 2", async () => {
    const [what, where] = await Promise.all([
      runCli(["get", "--nonsense"], env()),
      runCli(["ls", ...inStore(), "--address", "localhost"]),
    ]);
    const failed = { code: 2, stdout: "", stderr: expect.stringMatching(ONE_SENTENCE) };
    expect([what, where]).toEqual([failed, failed]);
  });

  it("signs in at NATS with the nkey that it is given, and in no other way", async () => {
    const key = createNkey();
    const folder = await mkdtemp(join(tmpdir(), "conat-nkey-"));
    const file = join(folder, "mine.nk");
    await writeFile(file, `${new TextDecoder().decode(key.seed)}\n`);
    await using guarded = await startTestNats({
      config: [`authorization { users: [ { nkey: ${key.publicKey} } ] }`],
    });
    const place = ["--project", project_id, "--store", "s", "--address", guarded.url];
    try {
      const set = await runCli(["set", "milk", "1", ...place, "--nkey", file]);
      expect(set).toMatchObject({ code: 0, stderr: "" });
      const get = await runCli(["get", "milk", ...place], { env: { NATS_NKEY: file } });
      expect(get).toEqual({ code: 0, stdout: "1\n", stderr: "" });
      const none = await runCli(["ls", ...place]);
      expect(none).toMatchObject({ code: 1, stderr: expect.stringMatching(/authorization/i) });
      expect(none.stderr).toMatch(ONE_SENTENCE);
      // The key that the environment names for NATS is nobody's business at a hub.
      const elsewhere = ["--project", project_id, "--store", "s", "--address", hub.url];
      const atHub = await runCli(["ls", ...elsewhere], { env: { NATS_NKEY: "/nowhere" } });
      expect(atHub).toEqual({ code: 0, stdout: "", stderr: "" });
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });

  it("ends when whoever reads it has enough", async () => {
    const client = connect(nats().url);
    clients.push(client);
    const store = await dkv<number>({ client, project_id, name: "s" });
    store.set("k", 0);
    await store.save();
    const cli = startCli(["watch", "--snapshot", ...inStore()], env());
    running.push(cli);
    await cli.lines(1);
    cli.child.stdout.destroy();
    await eventually(async () => {
      store.set("k", (store.get("k") ?? 0) + 1);
      await store.save();
      expect(cli.child.exitCode).toBe(0);
    });
  });

  it("runs from a checkout by its name", async () => {
    const bin = `${import.meta.dirname}/../packages/conat/bin/conat.mjs`;
    const child = spawn(process.execPath, [bin, "--version"], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    let text = "";
    child.stdout.setEncoding("utf8").on("data", (part: string) => {
      text += part;
    });
    const code = await new Promise((resolve) => child.on("close", resolve));
    expect({ code, text }).toEqual({ code: 0, text: expect.stringMatching(/^\d+\.\d+\.\d+\n$/) });
  });
});
