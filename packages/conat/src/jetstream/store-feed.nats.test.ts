import { connect } from "@nats-io/transport-node";
import { afterEach, describe, expect, it } from "vitest";
import type { StoreRef } from "../protocol/scope.ts";
import { eventually } from "../testing/eventually.ts";
import { FeedProbe, mutate, store, writeAll } from "../testing/session-probe.ts";
import { useTestNats } from "../testing/use-test-nats.ts";
import type { JetstreamSession } from "./jetstream-session.ts";
import { openJetstream } from "./open-jetstream.ts";
import type { JetstreamOptions } from "./options.ts";

const server = useTestNats();
const sessions: JetstreamSession[] = [];
let stores = 0;

async function open(options: Partial<JetstreamOptions> = {}): Promise<JetstreamSession> {
  const session = await openJetstream({ servers: server().url, ...options });
  sessions.push(session);
  return session;
}

function freshStore(fields: Partial<StoreRef> = {}): StoreRef {
  stores += 1;
  const scope = { kind: "project", id: "feeds" } as const;
  return { scope, name: `store ${stores}`, ephemeral: false, service: "", ...fields };
}

/** A request to the JetStream API, as an operator's tool would send it. */
async function api(subject: string, payload?: object): Promise<Record<string, unknown>> {
  const connection = await connect({ servers: server().url, reconnect: false });
  const reply = await connection.request(`$JS.API.${subject}`, payload && JSON.stringify(payload));
  await connection.close();
  return reply.json();
}

async function consumersOf(stream: string): Promise<unknown> {
  return (await api(`CONSUMER.NAMES.${stream}`)).total;
}

/** Purges a store that a session follows, after `settled`, and sees that its reader starts over. */
async function purgeBehindItsBack(
  session: JetstreamSession,
  settled: () => Promise<unknown>,
): Promise<void> {
  const ref = freshStore();
  const filter = `$KV.conat-p0.project.feeds.store=20${stores}.*`;
  await store(session, ref, mutate(session, "a", "1"));
  const feed = new FeedProbe(session, ref);
  await feed.synced();
  await settled();
  expect(await api("STREAM.PURGE.KV_conat-p0", { filter })).toMatchObject({ purged: 1 });
  await eventually(() => feed.types.filter((type) => type === "reset").length === 2);
  expect(feed.events.findLast(({ type }) => type === "reset")).toMatchObject({ mode: "full" });
  await feed.synced();
  expect(feed.entries).toHaveLength(1);
}

afterEach(async () => {
  await Promise.all(sessions.splice(0).map((session) => session.close()));
});

describe("a feed on JetStream", () => {
  it("keeps a reader complete over a server that is killed and comes back", async () => {
    const session = await open();
    const ref = freshStore();
    await store(session, ref, mutate(session, "kept", "1"));
    await store(session, ref, mutate(session, "changed", "1"));
    await store(session, ref, mutate(session, "removed", "1"));
    const feed = new FeedProbe(session, ref);
    const before = await feed.synced();

    await server().kill("SIGKILL");
    await eventually(() => feed.types.at(-1) === "stale");
    expect(session.status.state).not.toBe("ready");
    await server().restart();
    // Another backend is back first and writes before the reader has recovered, or after: both must arrive.
    const other = await open();
    await store(other, ref, mutate(other, "changed", "2"));
    await store(other, ref, mutate(other, "removed", undefined));
    await session.ready();
    await eventually(() => feed.types.at(-1) !== "stale" && feed.textOf("changed") === "2");
    const { seq } = await store(other, ref, mutate(other, "later", "2"));
    await feed.entryAt("later", seq);

    expect({ ...feed.content() }).toEqual({ kept: "1", changed: "2", later: "2" });
    const reset = feed.events.findLast(({ type }) => type === "reset");
    expect(reset).toMatchObject({ mode: "delta", epoch: before.epoch });
    expect(feed.entries.filter(({ key }) => key === "kept")).toHaveLength(1);
  });

  it("tells nothing again after a reconnect at which nothing was missed", async () => {
    const session = await open();
    const ref = freshStore();
    await store(session, ref, mutate(session, "a", "1"));
    const feed = new FeedProbe(session, ref);
    await feed.synced();
    await server().restart();
    await eventually(() => feed.types.lastIndexOf("synced") > feed.types.indexOf("stale"));
    expect(feed.types).toEqual(["reset", "entries", "synced", "stale", "reset", "synced"]);
    expect(feed.events.at(-2)).toMatchObject({ mode: "delta" });
  });

  it("of a large store leaves no consumer behind, whether it is read to the end or closed before", async () => {
    const session = await open();
    const ref = freshStore();
    const mutations = Array.from({ length: 3_000 }, (_, at) => mutate(session, `k${at}`, "1"));
    await writeAll(session, ref, mutations);
    const feed = new FeedProbe(session, ref);
    await feed.synced();
    expect(feed.latest.size).toBe(3_000);
    await eventually(async () => (await consumersOf("KV_conat-p0")) === 0);

    const cut = new FeedProbe(session, ref);
    await eventually(() => cut.types.includes("reset"));
    await session.close();
    expect(cut.types.at(-1)).toBe("closed");
    expect(await consumersOf("KV_conat-p0")).toBe(0);
  });

  it("of values too large for one answer is complete", async () => {
    const session = await open();
    const ref = freshStore();
    const large = new Uint8Array(500_000).fill(65);
    const keys = Array.from({ length: 150 }, (_, at) => `k${at}`);
    await writeAll(
      session,
      ref,
      keys.map((key) => mutate(session, key, large)),
    );
    const feed = new FeedProbe(session, ref);
    await feed.synced();
    expect([...feed.latest.keys()].sort()).toEqual([...keys].sort());
    const sizes = new Set([...feed.latest.values()].map(({ start, end }) => end - start));
    expect(sizes).toEqual(new Set([500_000]));
    feed.close();
  });

  it("misses nothing of what is written while it loads, small store or large", async () => {
    const session = await open();
    const writer = await open();
    for (const size of [200, 3_000]) {
      const ref = freshStore();
      const seed = Array.from({ length: size }, (_, at) => mutate(writer, `k${at}`, "0"));
      await writeAll(writer, ref, seed);
      const probes: FeedProbe[] = [];
      const rounds = Array.from({ length: 30 }, (_, round) => round + 1);
      for (const round of rounds) {
        const changes = Array.from({ length: 50 }, (_, at) =>
          mutate(writer, `k${(round * 7 + at) % size}`, String(round)),
        );
        const written = writeAll(writer, ref, changes);
        if (round % 5 === 0) probes.push(new FeedProbe(session, ref));
        await written;
      }
      const reference = new FeedProbe(writer, ref);
      await reference.synced();
      expect(Object.keys(reference.content())).toHaveLength(size);
      for (const probe of probes) {
        await probe.synced();
        await eventually(() => expect(probe.content()).toEqual(reference.content()));
        expectRising(probe);
        probe.close();
      }
      reference.close();
    }
  });

  it("notices entries that were stored but never republished", async () => {
    const session = await open({ headCheckMs: 50 });
    const ref = freshStore();
    await store(session, ref, mutate(session, "a", "1"));
    const feed = new FeedProbe(session, ref);
    await feed.synced();
    const { config } = await api("STREAM.INFO.KV_conat-p0");
    const silent = { ...(config as object), republish: undefined };
    expect(await api("STREAM.UPDATE.KV_conat-p0", silent)).not.toHaveProperty("error");
    await store(session, ref, mutate(session, "a", "2"));
    expect(await api("STREAM.UPDATE.KV_conat-p0", config as object)).not.toHaveProperty("error");
    await eventually(() => feed.textOf("a") === "2");
    expect(session.metrics().missedEntries).toBeGreaterThan(0);
    expect(feed.types).toContain("stale");
    await feed.synced();
  });

  it("hears a bucket that was made when each key was told under a subject of its own, and the one in its place", async () => {
    const ref = freshStore();
    const { config: now } = await api("STREAM.INFO.KV_conat-p0");
    const republish = { src: "$KV.conat-p0.>", dest: "conat-live.conat-p0.>" };
    const before = { ...(now as object), republish };
    expect(await api("STREAM.UPDATE.KV_conat-p0", before)).not.toHaveProperty("error");
    const reader = await open({ headCheckMs: 0 });
    const writer = await open();
    const feed = new FeedProbe(reader, ref);
    await feed.synced();
    await store(writer, ref, mutate(writer, "told by key", "1"));
    await eventually(() => feed.textOf("told by key") === "1");
    expect(feed.types).not.toContain("stale");

    await api("STREAM.DELETE.KV_conat-p0");
    expect(await api("STREAM.CREATE.KV_conat-p0", now as object)).not.toHaveProperty("error");
    // Its sequence is what makes the session look.
    await store(reader, ref, mutate(reader, "look", "1"));
    await eventually(() => feed.types.filter((type) => type === "synced").length === 2);
    await store(writer, ref, mutate(writer, "told by store", "1"));
    await eventually(() => feed.textOf("told by store") === "1");
  });

  it("follows its bucket to where it tells what it stores from now on, by what it has missed", async () => {
    const ref = freshStore();
    const reader = await open({ headCheckMs: 50 });
    const writer = await open({ headCheckMs: 0 });
    const feed = new FeedProbe(reader, ref);
    await feed.synced();
    const { config } = await api("STREAM.INFO.KV_conat-p0");
    const republish = { src: "$KV.conat-p0.>", dest: "conat-live.conat-p0.>" };
    await api("STREAM.UPDATE.KV_conat-p0", { ...(config as object), republish });
    await store(writer, ref, mutate(writer, "missed", "1"));
    await eventually(() => feed.textOf("missed") === "1");
    let written = 0;
    const isToldAtOnce = async (): Promise<boolean> => {
      const { missedEntries } = reader.metrics();
      written += 1;
      await store(writer, ref, mutate(writer, "told", String(written)));
      await eventually(() => feed.textOf("told") === String(written));
      return reader.metrics().missedEntries === missedEntries;
    };
    // A session looks at its buckets every 20 s in any case.
    await eventually(isToldAtOnce, { timeoutMs: 5_000 });
    await api("STREAM.UPDATE.KV_conat-p0", config as object);
  });

  it("is not asked about store by store while all that its bucket stores comes by", async () => {
    const session = await open({ headCheckMs: 200 });
    const refs = Array.from({ length: 50 }, () => freshStore());
    await Promise.all(refs.map((ref) => new FeedProbe(session, ref).synced()));
    const [ref = freshStore()] = refs;
    const connection = await connect({ servers: server().url, reconnect: false });
    try {
      const asked = { heads: 0, buckets: 0 };
      const count = (subject: string, what: keyof typeof asked): void => {
        connection.subscribe(subject, {
          callback: () => {
            asked[what] += 1;
          },
        });
      };
      count("$JS.API.STREAM.MSG.GET.*", "heads");
      count("$JS.API.STREAM.INFO.*", "buckets");
      // Each store finds once that it has everything; what was written before it was opened did not come by.
      await eventually(() => asked.heads >= refs.length);
      asked.heads = 0;
      asked.buckets = 0;
      for (let round = 0; asked.buckets < 20; round += 1) {
        await store(session, ref, mutate(session, "k", String(round)));
        await eventually(() => asked.buckets > round);
      }
      // One check of fifteen asks all the same: in this time there are about ten of each store.
      expect(asked.heads).toBeLessThan(4 * refs.length);
    } finally {
      await connection.close();
    }
  });

  it("notices that its store was purged behind its back, also while its bucket is asked instead", async () => {
    const session = await open({ headCheckMs: 50 });
    const beside = freshStore();
    await new FeedProbe(session, beside).synced();
    for (let count = 1; count < 25; count += 1) {
      await new FeedProbe(session, freshStore()).synced();
    }
    const connection = await connect({ servers: server().url, reconnect: false });
    let asked = 0;
    connection.subscribe("$JS.API.STREAM.INFO.*", {
      callback: () => {
        asked += 1;
      },
    });
    try {
      await purgeBehindItsBack(session, async () => {
        await store(session, beside, mutate(session, "k", "1"));
        await eventually(() => asked >= 20);
      });
    } finally {
      await connection.close();
    }
  });

  it("notices that its store was purged behind its back", async () => {
    await purgeBehindItsBack(await open({ headCheckMs: 50 }), async () => {});
  });

  it("of an ephemeral store starts a new epoch when the server has forgotten it", async () => {
    const session = await open();
    const ref = freshStore({ ephemeral: true });
    await store(session, ref, mutate(session, "a", "1"));
    const feed = new FeedProbe(session, ref);
    const before = await feed.synced();
    expect(feed.events[0]).toMatchObject({ type: "reset", durability: "memory" });
    await server().kill("SIGKILL");
    await server().restart();
    await eventually(() => feed.types.lastIndexOf("synced") > feed.types.indexOf("stale"));
    const reset = feed.events.findLast((event) => event.type === "reset");
    expect(reset).toMatchObject({ mode: "full" });
    expect(reset).not.toMatchObject({ epoch: before.epoch });
    expect(feed.entries).toHaveLength(1);
    const { seq } = await store(session, ref, mutate(session, "a", "2"));
    await feed.entryAt("a", seq);
  });

  it("finds a bucket again that was removed and made anew while connected", async () => {
    const session = await open({ headCheckMs: 50 });
    const ref = freshStore({ ephemeral: true });
    await store(session, ref, mutate(session, "a", "1"));
    const feed = new FeedProbe(session, ref);
    const before = await feed.synced();
    expect(await api("STREAM.DELETE.KV_conat-e0")).toMatchObject({ success: true });
    await eventually(() => {
      const reset = feed.events.findLast((event) => event.type === "reset");
      return reset?.type === "reset" && reset.epoch !== before.epoch;
    });
    await feed.synced();
    const { seq } = await store(session, ref, mutate(session, "a", "2"));
    await feed.entryAt("a", seq);
  });

  it("tells that a long key has expired, whose name the server's marker lacks", async () => {
    const session = await open();
    const ref = freshStore();
    const key = "long ".repeat(400);
    const plain = new FeedProbe(session, ref);
    await plain.synced();
    await store(session, ref, mutate(session, key, "1", { ttlMs: 1_000 }));
    await eventually(() => plain.textOf(key) === "1");
    // This reader comes back with a checkpoint to a session that has never seen the key.
    const other = await open();
    const checkpoint = { ...(await plain.synced()), seq: plain.latest.get(key)?.seq ?? 0 };
    const resumed = new FeedProbe(other, ref, checkpoint);
    await resumed.synced();
    expect(resumed.types).toEqual(["reset", "synced"]);
    await eventually(() => plain.latest.get(key)?.kind === "expiry");
    expect(await session.read(ref, key)).toMatchObject({ key, kind: "expiry" });
    await eventually(() => resumed.types.filter((type) => type === "synced").length === 2);
    expect(resumed.events.findLast(({ type }) => type === "reset")).toMatchObject({ mode: "full" });
    expect({ ...resumed.content() }).toEqual({});
  });

  it("opens a thousand stores without a consumer and without a leftover", async () => {
    const session = await open();
    const refs = Array.from({ length: 1_000 }, () => freshStore());
    const feeds = refs.map((ref) => new FeedProbe(session, ref));
    await Promise.all(feeds.map((feed) => feed.synced()));
    expect(session.metrics()).toMatchObject({ openStores: 1_000, runningLoads: 0 });
    expect(await consumersOf("KV_conat-p0")).toBe(0);
    for (const feed of feeds) feed.close();
    expect(session.metrics().openStores).toBe(0);
  });
});

/** Entries of a key never go back. */
function expectRising(feed: FeedProbe): void {
  const last = new Map<string, number>();
  for (const { key, seq } of feed.entries) {
    expect(seq).toBeGreaterThan(last.get(key) ?? 0);
    last.set(key, seq);
  }
}
