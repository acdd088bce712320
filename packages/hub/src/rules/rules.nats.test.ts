import { type Client, connect, dkv } from "@conat/conat";
import { afterEach, describe, expect, it } from "vitest";
import type { StoreRef } from "../../../conat/src/protocol/scope.ts";
import { HubSession } from "../../../conat/src/session/hub-session.ts";
import { eventually } from "../../../conat/src/testing/eventually.ts";
import {
  FeedProbe,
  mutate,
  refused,
  store,
  writeAll,
} from "../../../conat/src/testing/session-probe.ts";
import { useTestNats } from "../../../conat/src/testing/use-test-nats.ts";
import { type Hub, startHub } from "../hub.ts";
import { allow, type Rule } from "./rule.ts";

const nats = useTestNats();
const toClose: { close(): Promise<unknown> }[] = [];
let projects = 0;

afterEach(async () => {
  await Promise.all(toClose.splice(0).map((one) => one.close()));
});

async function start(rules: readonly Rule[]): Promise<Hub> {
  const hub = await startHub({ port: 0, dev: true, natsUrl: nats().url, rules, logger: "silent" });
  toClose.push(hub);
  return hub;
}

function freshProject(): string {
  projects += 1;
  return `rules-${process.pid}-${projects}`;
}

function ofProject(id: string, name = "docs"): StoreRef {
  return { scope: { kind: "project", id }, name, ephemeral: false, service: "" };
}

async function enter(hub: Hub, account_id: string, project: string): Promise<HubSession> {
  const session = new HubSession({
    address: new URL(hub.url),
    identity: { account_id, projects: [project] },
  });
  toClose.unshift(session);
  await session.ready();
  return session;
}

function clientOf(hub: Hub, account_id: string, project: string): Client {
  const client = connect({ address: hub.url, identity: { account_id, projects: [project] } });
  toClose.unshift(client);
  return client;
}

interface Doc {
  readonly owner: string;
  readonly text: string;
  readonly shared?: boolean;
}

const sharedOrOwn = allow(
  "read",
  "project/*/docs/**",
  ({ value, identity }) => {
    const doc = value as Doc | undefined;
    return doc?.shared === true || doc?.owner === identity.account_id;
  },
  { fields: ["account_id"] },
);
const anyWrite = allow("write", "project/*/docs/**");

describe("rules for reading", () => {
  it("decide what is in a snapshot, what comes live, and what goes again", async () => {
    const hub = await start([sharedOrOwn, anyWrite]);
    const project_id = freshProject();
    const open = (who: string) =>
      dkv<Doc>({ client: clientOf(hub, who, project_id), project_id, name: "docs" });
    const alice = await open("alice");
    alice.set("mine", { owner: "alice", text: "a" });
    alice.set("for all", { owner: "alice", text: "b", shared: true });
    alice.set("bob's", { owner: "bob", text: "c" });
    await alice.save();
    const bob = await open("bob");
    expect(bob.keys().sort()).toEqual(["bob's", "for all"]);
    const kinds: string[] = [];
    bob.on("change", ({ key, kind }) => kinds.push(`${key}: ${kind}`));
    alice.set("mine", { owner: "alice", text: "now for all", shared: true });
    await eventually(() => bob.has("mine"));
    alice.set("mine", { owner: "alice", text: "no longer" });
    await eventually(() => !bob.has("mine"));
    expect(kinds).toEqual(["mine: put", "mine: withdrawn"]);
    alice.set("mine", { owner: "alice", text: "bob hears nothing of this" });
    alice.set("for all", { owner: "alice", text: "of this he does", shared: true });
    await eventually(() => bob.get("for all")?.text === "of this he does");
    expect(kinds).toEqual(["mine: put", "mine: withdrawn", "for all: put"]);
    expect(alice.get("mine")?.text).toBe("bob hears nothing of this");
  });

  it("decide a read of one key, and tell nobody whether there is one", async () => {
    const hub = await start([sharedOrOwn, anyWrite]);
    const project = freshProject();
    const alice = await enter(hub, "alice", project);
    const ref = ofProject(project);
    await store(alice, ref, mutate(alice, "secret", JSON.stringify({ owner: "alice", text: "x" })));
    const bob = await enter(hub, "bob", project);
    const failures = await Promise.all(
      ["secret", "nothing"].map((key) => bob.read(ref, key).catch((error: unknown) => error)),
    );
    expect(failures).toMatchObject([{ kind: "forbidden" }, { kind: "forbidden" }]);
    expect(String(failures[0])).toBe(String(failures[1]));
    expect(await alice.read(ref, "secret")).toMatchObject({ key: "secret" });
  });

  it("show a reader who comes back exactly what it may see then", async () => {
    const hub = await start([sharedOrOwn, anyWrite]);
    const project = freshProject();
    const ref = ofProject(project);
    const [alice, bob] = [await enter(hub, "alice", project), await enter(hub, "bob", project)];
    const shared = JSON.stringify({ owner: "alice", text: "x", shared: true });
    await store(alice, ref, mutate(alice, "a", shared));
    const before = new FeedProbe(bob, ref);
    const checkpoint = await before.synced();
    before.close();
    await store(alice, ref, mutate(alice, "a", JSON.stringify({ owner: "alice", text: "x" })));
    const after = new FeedProbe(bob, ref, checkpoint);
    await after.synced();
    expect(after.events[0]).toMatchObject({ type: "reset", mode: "full" });
    expect(after.content()).toEqual({});
  });
});

describe("rules for writing", () => {
  const ownOnly = allow("write", "project/*/docs/**", ({ value, prev, identity }) => {
    const [next, old] = [value as Doc | undefined, prev as Doc | undefined];
    const owner = old?.owner ?? next?.owner;
    return owner === identity.account_id && (next === undefined || next.owner === owner);
  });
  const doc = (owner: string, text = ""): string => JSON.stringify({ owner, text });

  it("decide by who writes, what is there and what it becomes", async () => {
    const hub = await start([ownOnly, allow("read", "project/*/docs/**")]);
    const project = freshProject();
    const ref = ofProject(project);
    const [alice, bob] = [await enter(hub, "alice", project), await enter(hub, "bob", project)];
    await store(alice, ref, mutate(alice, "k", doc("alice")));
    const kinds = async (session: HubSession, value: string | undefined) =>
      (await writeAll(session, ref, [mutate(session, "k", value)])).map((result) =>
        result.ok ? "stored" : result.error.kind,
      );
    expect(await kinds(bob, doc("bob"))).toEqual(["forbidden"]);
    expect(await kinds(bob, undefined)).toEqual(["forbidden"]);
    expect(await kinds(alice, doc("bob"))).toEqual(["forbidden"]);
    expect(await kinds(alice, doc("alice", "2"))).toEqual(["stored"]);
    expect(await kinds(alice, undefined)).toEqual(["stored"]);
    expect(await kinds(bob, doc("bob"))).toEqual(["stored"]);
  });

  it("that look at what is there hold under a race: of many who take a free key, one gets it", async () => {
    const free = allow("write", "project/*/docs/**", ({ prev }) => prev === undefined);
    const hub = await start([free, allow("read", "project/*/docs/**")]);
    const project = freshProject();
    const ref = ofProject(project);
    const people = await Promise.all(
      Array.from({ length: 8 }, (_, at) => enter(hub, `racer-${at}`, project)),
    );
    for (let round = 0; round < 10; round += 1) {
      const results = await Promise.all(
        people.map((session) =>
          writeAll(session, ref, [mutate(session, `key-${round}`, doc("x"))]),
        ),
      );
      expect(results.flat().filter(({ ok }) => ok)).toHaveLength(1);
      for (const result of results.flat()) {
        if (!result.ok) expect(result.error.kind).toBe("forbidden");
      }
    }
  });

  it("tell of a conflict what is stored only to those who may read it", async () => {
    const hub = await start([sharedOrOwn, anyWrite]);
    const project = freshProject();
    const ref = ofProject(project);
    const [alice, bob] = [await enter(hub, "alice", project), await enter(hub, "bob", project)];
    await store(alice, ref, mutate(alice, "k", doc("alice", "secret")));
    const conflict = async (session: HubSession) =>
      refused(session, ref, mutate(session, "k", doc("x"), { expectedSeq: 0 }));
    expect((await conflict(alice)).error).toMatchObject({
      kind: "conflict",
      current: { key: "k" },
    });
    const toBob = (await conflict(bob)).error;
    expect(toBob.kind).toBe("conflict");
    expect(toBob.current).toBeUndefined();
  });

  it("may read another key of the scope", async () => {
    const rule = allow("write", "project/*/docs/**", async ({ get, identity }) => {
      const admins = await get("roles", "admins");
      return Array.isArray(admins) && admins.includes(identity.account_id);
    });
    const hub = await start([rule, allow("read", "project/*/docs/**")]);
    const project = freshProject();
    const alice = await enter(hub, "alice", project);
    const ref = ofProject(project);
    expect((await refused(alice, ref, mutate(alice, "k", "1"))).error.kind).toBe("forbidden");
    await store(alice, ofProject(project, "roles"), mutate(alice, "admins", '["alice"]'));
    await store(alice, ref, mutate(alice, "k", "1"));
  });
});

it("other rules, put in force while stores are open, end, narrow and widen what is open", async () => {
  const hub = await start([]);
  const project_id = freshProject();
  const open = (who: string) =>
    dkv<Doc>({ client: clientOf(hub, who, project_id), project_id, name: "docs" });
  const [alice, bob] = [await open("alice"), await open("bob")];
  alice.set("a", { owner: "alice", text: "" });
  alice.set("b", { owner: "bob", text: "" });
  await eventually(() => bob.size === 2);
  await hub.setRules([sharedOrOwn, anyWrite]);
  await eventually(() => bob.size === 1 && alice.size === 1);
  expect(bob.keys()).toEqual(["b"]);
  await hub.setRules([]);
  await eventually(() => bob.size === 2 && alice.size === 2);
  const closed = new Promise((resolve) => bob.on("closed", resolve));
  await hub.setRules([anyWrite]);
  expect(await closed).toMatchObject({ kind: "revoked" });
  expect(bob.get()).toEqual({});
});

it("readers of one audience share one view, and it goes with the last of them", async () => {
  const byRole = allow("read", "project/*/docs/**", ({ identity }) => identity.role === "editor", {
    fields: ["role"],
  });
  const hub = await start([byRole, anyWrite]);
  const project = freshProject();
  const sessions = await Promise.all(["a", "b", "c"].map((who) => enter(hub, who, project)));
  const probes = sessions.map((session) => new FeedProbe(session, ofProject(project)));
  await Promise.all(probes.map((probe) => probe.synced()));
  const views = async (): Promise<number> => {
    const text = await (await fetch(`${hub.url}/metrics`)).text();
    return Number(/^conat_views (\d+)$/m.exec(text)?.[1]);
  };
  expect(await views()).toBe(1);
  for (const probe of probes) probe.close();
  await eventually(async () => (await views()) === 0);
});
