import { connect, dkv } from "@conat/conat";
import { afterEach, describe, expect, it } from "vitest";
import type { StoreRef } from "../../../conat/src/protocol/scope.ts";
import { HubSession } from "../../../conat/src/session/hub-session.ts";
import { eventually } from "../../../conat/src/testing/eventually.ts";
import { FeedProbe, mutate, store, TopicProbe } from "../../../conat/src/testing/session-probe.ts";
import { useTestNats } from "../../../conat/src/testing/use-test-nats.ts";
import { type Hub, startHub } from "../hub.ts";
import type { HubOptions } from "../hub-options.ts";
import type { ProjectRole } from "../scope/identity.ts";
import { signToken, TEST_SECRET } from "../test-kit/tokens.ts";

const nats = useTestNats();
const toClose: { close(): Promise<unknown> }[] = [];
let names = 0;

afterEach(async () => {
  await Promise.all(toClose.splice(0).map((one) => one.close()));
});

async function start(options: HubOptions = {}): Promise<Hub> {
  const hub = await startHub({
    port: 0,
    natsUrl: nats().url,
    jwt: { secret: TEST_SECRET },
    leaseMs: 3_000,
    logger: "silent",
    ...options,
  });
  toClose.push(hub);
  return hub;
}

function enter(hub: Hub, token: string | (() => Promise<string>)): HubSession {
  const session = new HubSession({ address: new URL(hub.url), token });
  toClose.push(session);
  return session;
}

function fresh(what: string): string {
  names += 1;
  return `${what}-${process.pid}-${names}`;
}

function projectStore(id: string): StoreRef {
  return { scope: { kind: "project", id }, name: "s", ephemeral: false, service: "" };
}

async function ending(feed: FeedProbe): Promise<unknown> {
  await eventually(() => feed.types.at(-1) === "closed");
  const last = feed.events.at(-1);
  return last?.type === "closed" ? last.error : undefined;
}

describe("a token that expires while connected", () => {
  it("is renewed before it does, over the same connection", async () => {
    const hub = await start();
    const account_id = fresh("account");
    let asked = 0;
    const session = enter(hub, () => {
      asked += 1;
      return signToken({ account_id }, asked === 1 ? 1_500 : 3_600_000);
    });
    await session.ready();
    const { origin } = session;
    const states: string[] = [];
    session.onStatus(({ state }) => states.push(state));
    const ref: StoreRef = { ...projectStore(""), scope: { kind: "account", id: account_id } };
    const feed = new FeedProbe(session, ref);
    await feed.synced();
    await eventually(() => asked === 2);
    const expired = Date.now() + 1_500;
    await eventually(() => Date.now() > expired, { timeoutMs: 5_000 });
    await store(session, ref, mutate(session, "k", "still here"));
    await eventually(() => feed.textOf("k") === "still here");
    expect(states).toEqual([]);
    expect(session.origin).toBe(origin);
    expect(asked).toBe(2);
  });

  it("and cannot be renewed ends the session and its feeds with that reason", async () => {
    const hub = await start();
    const account_id = fresh("account");
    const session = enter(hub, await signToken({ account_id }, 800));
    const ref: StoreRef = { ...projectStore(""), scope: { kind: "account", id: account_id } };
    const feed = new FeedProbe(session, ref);
    await feed.synced();
    expect(await ending(feed)).toMatchObject({ kind: "unauthenticated" });
    expect(session.status.state).toBe("refused");
  });

  it("and was followed by a refused one continues with a good one after the end", async () => {
    const hub = await start();
    const account_id = fresh("account");
    let asked = 0;
    const session = enter(hub, async () => {
      asked += 1;
      if (asked === 2) return "rubbish";
      return signToken({ account_id }, asked === 1 ? 1_200 : 3_600_000);
    });
    const ref: StoreRef = { ...projectStore(""), scope: { kind: "account", id: account_id } };
    const feed = new FeedProbe(session, ref);
    await feed.synced();
    await eventually(() => asked >= 3, { timeoutMs: 10_000 });
    await session.ready();
    await eventually(() => feed.types.filter((type) => type === "synced").length >= 2);
    expect(feed.types).not.toContain("closed");
  });

  it("is replaced by somebody else's: the client gets another origin, and the first one's data no more", async () => {
    const hub = await start();
    const [first, second] = [fresh("account"), fresh("account")];
    let asked = 0;
    const session = enter(hub, () => {
      asked += 1;
      return signToken({ account_id: asked === 1 ? first : second }, asked === 1 ? 1_500 : 60_000);
    });
    await session.ready();
    const { origin } = session;
    const ref: StoreRef = { ...projectStore(""), scope: { kind: "account", id: first } };
    const feed = new FeedProbe(session, ref);
    await feed.synced();
    expect(await ending(feed)).toMatchObject({ kind: "forbidden" });
    await session.ready();
    expect(session.origin).not.toBe(origin);
  });

  it("with fewer projects ends exactly their feeds", async () => {
    const hub = await start();
    const account_id = fresh("account");
    const [kept, lost] = [fresh("p"), fresh("p")];
    let asked = 0;
    const session = enter(hub, () => {
      asked += 1;
      const projects = asked === 1 ? [kept, lost] : [kept];
      return signToken({ account_id, projects }, asked === 1 ? 1_500 : 60_000);
    });
    const feeds = [
      new FeedProbe(session, projectStore(kept)),
      new FeedProbe(session, projectStore(lost)),
    ];
    await Promise.all(feeds.map((feed) => feed.synced()));
    expect(await ending(feeds[1] as FeedProbe)).toMatchObject({ kind: "revoked" });
    await store(session, projectStore(kept), mutate(session, "k", "v"));
    await eventually(() => feeds[0]?.textOf("k") === "v");
    expect(session.status.state).toBe("ready");
  });
});

describe("a revocation", () => {
  it("of an account's place in a project ends what it has open there, on every hub, and nothing else", async () => {
    const hubs = [await start(), await start()] as const;
    const [account_id, other] = [fresh("account"), fresh("account")];
    const [left, lost] = [fresh("p"), fresh("p")];
    const token = await signToken({ account_id, projects: [left, lost] });
    const sessions = hubs.map((hub) => enter(hub, token));
    const feedsLost = sessions.map((session) => new FeedProbe(session, projectStore(lost)));
    const feedsLeft = sessions.map((session) => new FeedProbe(session, projectStore(left)));
    const topic = { scope: { kind: "project" as const, id: lost }, path: "", name: "t" };
    const topics = sessions.map((session) => new TopicProbe(session, topic));
    const witness = enter(hubs[0], await signToken({ account_id: other, projects: [lost] }));
    const witnessed = new FeedProbe(witness, projectStore(lost));
    await Promise.all([...feedsLost, ...feedsLeft, witnessed].map((feed) => feed.synced()));

    await hubs[1].revoke({ account_id, project_id: lost });
    await store(witness, projectStore(lost), mutate(witness, "secret", "after"));
    witness.publish(topic, { data: new Uint8Array([1]), origin: "" });
    await eventually(() => witnessed.textOf("secret") === "after");
    for (const feed of feedsLost) {
      expect(await ending(feed)).toMatchObject({
        kind: "revoked",
        message: expect.stringContaining("may no longer read"),
      });
      expect(feed.textOf("secret")).toBeUndefined();
    }
    expect(topics.map(({ messages }) => messages)).toEqual([[], []]);
    const [first] = sessions;
    if (first === undefined) throw new Error("no session");
    await expect(first.read(projectStore(lost), "secret")).rejects.toMatchObject({
      kind: "forbidden",
    });
    await store(first, projectStore(left), mutate(first, "k", "v"));
    for (const feed of feedsLeft) await eventually(() => feed.textOf("k") === "v");
  });

  it("of a token turns its holder out for good; another token of the same account stays", async () => {
    const hub = await start();
    const account_id = fresh("account");
    const jti = fresh("token");
    const out = enter(hub, await signToken({ account_id, jti }));
    const stays = enter(hub, await signToken({ account_id, jti: fresh("token") }));
    await Promise.all([out.ready(), stays.ready()]);
    await hub.revoke({ jti });
    await eventually(() => out.status.state === "refused");
    expect(out.status.error?.kind).toBe("revoked");
    expect(stays.status.state).toBe("ready");
    const again = enter(hub, await signToken({ account_id, jti }));
    await expect(again.ready()).rejects.toMatchObject({ kind: "revoked" });
  });

  it("of an account or a project's backend is remembered over a restart; what is issued later counts", async () => {
    const hub = await start();
    const [account_id, project_id] = [fresh("account"), fresh("p")];
    await hub.revoke({ account_id });
    await hub.revoke({ project_id });
    await hub.close();
    const next = await start();
    for (const claims of [{ account_id }, { project_id }]) {
      await expect(enter(next, await signToken(claims)).ready()).rejects.toMatchObject({
        kind: "revoked",
      });
      const later = await signToken({ ...claims, iat: Date.now() / 1_000 + 10 });
      await enter(next, later).ready();
    }
  });

  it("waits for a hub that is gone no longer than its lease", async () => {
    const hub = await start();
    const other = await start();
    // A hub that dies says no goodbye; its lease stays behind.
    const leases = await dkv({ client: { session: hub.session }, hub: true, name: "conat-hubs" });
    leases.set(JSON.stringify(["lease", "a hub that died"]), true, { ttlMs: 2_000 });
    await leases.save();
    const started = performance.now();
    await hub.revoke({ jti: fresh("token") });
    expect(performance.now() - started).toBeGreaterThan(500);
    await other.close();
    await leases.close();
  });

  it.each([{}, { jti: "" }, { account_id: 1 }, { jti: "a", account_id: "b" }])(
    "of %j is refused",
    async (target) => {
      const hub = await start();
      await expect(hub.revoke(target as { jti: string })).rejects.toThrow(/to revoke/);
    },
  );

  it("makes a store close with the reason, and show nothing any more", async () => {
    const hub = await start();
    const [account_id, project_id] = [fresh("account"), fresh("p")];
    const token = await signToken({ account_id, projects: [project_id] });
    const client = connect({ address: hub.url, token });
    toClose.push(client);
    const secrets = await dkv<string>({ client, project_id, name: "secrets" });
    secrets.set("k", "v");
    await secrets.save();
    const closed = new Promise((resolve) => secrets.on("closed", resolve));
    let told = 0;
    secrets.subscribe(() => {
      told += 1;
    });
    await hub.revoke({ account_id, project_id });
    expect(await closed).toMatchObject({ kind: "revoked" });
    expect(secrets.get("k")).toBeUndefined();
    expect(secrets.get()).toEqual({});
    expect(secrets.size).toBe(0);
    expect(told).toBeGreaterThan(0);
  });
});

describe("the projects of an account by lookup", () => {
  it("replace the token's, and end what is open when they change", async () => {
    const [account_id, joined, claimed] = [fresh("account"), fresh("p"), fresh("p")];
    const members = new Map<string, Record<string, ProjectRole>>([
      [account_id, { [joined]: "viewer" }],
    ]);
    let asked = 0;
    const options: HubOptions = {
      projects: async (account) => {
        asked += 1;
        return members.get(account) ?? {};
      },
    };
    const hubs = [await start(options), await start(options)] as const;
    const token = await signToken({ account_id, projects: [claimed] });
    const [one, two] = [enter(hubs[0], token), enter(hubs[1], token)];
    const feeds = [
      new FeedProbe(one, projectStore(joined)),
      new FeedProbe(two, projectStore(joined)),
    ];
    await Promise.all(feeds.map((feed) => feed.synced()));
    expect(asked).toBe(2);
    await expect(one.read(projectStore(claimed), "k")).rejects.toMatchObject({ kind: "forbidden" });
    members.set(account_id, { [claimed]: "editor" });
    await hubs[0].projectsChanged(account_id);
    for (const feed of feeds) expect(await ending(feed)).toMatchObject({ kind: "revoked" });
    await store(two, projectStore(claimed), mutate(two, "k", "v"));
  });

  it("are asked for again by and by", async () => {
    const [account_id, project_id] = [fresh("account"), fresh("p")];
    let projects = [project_id];
    const hub = await start({ projects: () => projects, projectsTtlMs: 100 });
    const session = enter(hub, await signToken({ account_id }));
    const feed = new FeedProbe(session, projectStore(project_id));
    await feed.synced();
    projects = [];
    expect(await ending(feed)).toMatchObject({ kind: "revoked" });
  });

  it("that cannot be had are a reason to try again, and their secrets stay on the hub", async () => {
    let isDown = true;
    const hub = await start({
      projects: () => {
        if (isDown) throw new Error("postgres://user:secret@db is down");
        return [];
      },
    });
    const session = enter(hub, await signToken({ account_id: fresh("account") }));
    await eventually(() => session.status.error !== undefined);
    expect(session.status.error).toMatchObject({ kind: "unavailable" });
    expect(session.status.error?.message).not.toContain("secret");
    isDown = false;
    await session.ready();
  });
});
