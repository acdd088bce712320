import { Kvm } from "@nats-io/kv";
import { headers, type NatsConnection } from "@nats-io/nats-core";
import { connect } from "@nats-io/transport-node";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { bucketName, floorSubject } from "../protocol/subjects.ts";
import { eventually } from "../testing/eventually.ts";
import { FeedProbe, mutate, refused, store } from "../testing/session-probe.ts";
import { useTestNats } from "../testing/use-test-nats.ts";
import { openJetstream } from "./index.ts";
import type { JetstreamSession } from "./jetstream-session.ts";

const ref = {
  scope: { kind: "project" as const, id: "p" },
  name: "s",
  ephemeral: false,
  service: "",
};
const bucket = bucketName(false, 0);

describe("a store in a full bucket", () => {
  const nats = useTestNats();

  it("can be destroyed, which makes the room for the record of it", async () => {
    await using session = await openJetstream({ servers: nats().url, maxBytes: 100_000 });
    const value = "x".repeat(10_000);
    const fill = async (): Promise<number> => {
      for (let count = 0; ; count += 1) {
        const mutation = mutate(session, `k${count}`, value);
        const failure = await store(session, ref, mutation).then(
          () => undefined,
          (error: unknown) => error,
        );
        if (failure === undefined) continue;
        expect(failure).toMatchObject({ kind: "storage-full" });
        return count;
      }
    };
    const count = await fill();
    expect(count).toBeGreaterThan(3);
    // The last bytes, too small for another value and too small for the record.
    for (let at = 0; ; at += 1) {
      const [result] = await Promise.allSettled([
        store(session, ref, mutate(session, `f${at}`, "")),
      ]);
      if (result.status === "rejected") break;
    }
    const feed = new FeedProbe(session, ref);
    await feed.synced();
    await session.destroyStore(ref);
    await eventually(() => expect({ ...feed.content() }).toEqual({}));
    expect(await fill()).toBe(count);
  });
});

describe("the record of a store's destruction", () => {
  const nats = useTestNats();
  let session: JetstreamSession;
  let raw: NatsConnection;
  beforeAll(async () => {
    session = await openJetstream({ servers: nats().url, markerTtlMs: 1_000, headCheckMs: 200 });
    raw = await connect({ servers: nats().url });
  });
  afterAll(async () => {
    await raw.close();
    await session.close();
  });
  afterEach(() => session.destroyStore(ref));

  it("is enough for every reader, should the destroyer be cut off before it has removed anything", async () => {
    const keys = Array.from({ length: 5 }, (_, at) => `k${at}`);
    for (const key of keys) await store(session, ref, mutate(session, key, "1"));
    const live = new FeedProbe(session, ref);
    const checkpoint = await live.synced();
    const record = headers();
    record.set("KV-Operation", "PURGE");
    record.set("Nats-Rollup", "sub");
    await raw.request(floorSubject(bucket, ref), "", { headers: record, timeout: 5_000 });
    await eventually(() => expect({ ...live.content() }).toEqual({}));
    const full = new FeedProbe(session, ref);
    const delta = new FeedProbe(session, ref, checkpoint);
    for (const feed of [full, delta]) {
      await feed.synced();
      expect({ ...feed.content() }).toEqual({});
    }
    expect(await session.listStores(ref.scope)).toEqual([]);
    await session.destroyStore(ref);
    expect(await session.read(ref, "k0")).toBeUndefined();
  });

  it("goes by itself when the markers of removals go, and brings nothing back", async () => {
    await store(session, ref, mutate(session, "a", "1"));
    const feed = new FeedProbe(session, ref);
    const checkpoint = await feed.synced();
    await session.destroyStore(ref);
    await store(session, ref, mutate(session, "b", "1"));
    await eventually(async () => {
      const kv = await new Kvm(raw).open(bucket);
      expect(await kv.get("project.p.s.=floor")).toBeNull();
    });
    const { seq } = await store(session, ref, mutate(session, "c", "1"));
    await feed.entryAt("c", seq);
    expect({ ...feed.content() }).toEqual({ b: "1", c: "1" });
    const away = new FeedProbe(session, ref, checkpoint);
    await away.synced();
    expect(away.events[0]).toMatchObject({ type: "reset", mode: "full" });
    expect({ ...away.content() }).toEqual({ b: "1", c: "1" });
  });

  it("is no key, neither for us nor for any NATS client", async () => {
    await store(session, ref, mutate(session, "=floor", "mine"));
    await session.destroyStore(ref);
    await store(session, ref, mutate(session, "=floor", "new"));
    const feed = new FeedProbe(session, ref);
    await feed.synced();
    expect({ ...feed.content() }).toEqual({ "=floor": "new" });
    const kv = await new Kvm(raw).open(bucket);
    const keys: string[] = [];
    for await (const key of await kv.keys("project.p.s.>")) keys.push(key);
    expect(keys).toEqual(["project.p.s.=3Dfloor"]);
  });

  it("does not stand in the way of a condition on a key that is gone", async () => {
    const { seq } = await store(session, ref, mutate(session, "a", "1"));
    await session.destroyStore(ref);
    const { error } = await refused(session, ref, mutate(session, "a", "2", { expectedSeq: seq }));
    expect(error).toMatchObject({ kind: "conflict", current: undefined });
    await store(session, ref, mutate(session, "a", "2", { expectedSeq: 0 }));
  });
});
