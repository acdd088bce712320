import { type KV, Kvm } from "@nats-io/kv";
import { connect, type NatsConnection } from "@nats-io/transport-node";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { StoreRef } from "../protocol/scope.ts";
import { natsKey } from "../protocol/subjects.ts";
import { eventually } from "../testing/eventually.ts";
import { FeedProbe, mutate, store } from "../testing/session-probe.ts";
import { useTestNats } from "../testing/use-test-nats.ts";
import type { JetstreamSession } from "./jetstream-session.ts";
import { openJetstream } from "./open-jetstream.ts";

const scope = { kind: "project", id: "interop" } as const;
const ref: StoreRef = { scope, name: "to do", ephemeral: false, service: "" };

describe("a plain NATS KV client and a store", () => {
  const server = useTestNats();
  let connection: NatsConnection;
  let session: JetstreamSession;
  let bucket: KV;
  let feed: FeedProbe;

  beforeAll(async () => {
    session = await openJetstream({ servers: server().url });
    connection = await connect({ servers: server().url });
    bucket = await new Kvm(connection).open("conat-p0");
    feed = new FeedProbe(session, ref);
    await feed.synced();
  });
  afterAll(async () => {
    await connection.close();
    await session.close();
  });

  it("see each other's values, as readable text under a readable name", async () => {
    const key = "buy milk";
    expect(natsKey(ref, key)).toBe("project.interop.to=20do.buy=20milk");
    const { seq } = await store(session, ref, mutate(session, key, '{"done":false}'));
    const theirs = await bucket.get(natsKey(ref, key));
    expect(theirs?.json()).toEqual({ done: false });
    expect(theirs?.revision).toBe(seq);

    const revision = await bucket.put(natsKey(ref, key), '{"done":true}');
    const entry = await feed.entryAt(key, revision);
    expect(entry).toMatchObject({ kind: "put", origin: "", write: 0, headers: undefined });
    expect(feed.textOf(key)).toBe('{"done":true}');
  });

  it("see each other's removals", async () => {
    await store(session, ref, mutate(session, "mine", "1"));
    await store(session, ref, mutate(session, "mine", undefined));
    expect(await bucket.get(natsKey(ref, "mine"))).toMatchObject({ operation: "PURGE" });
    for (const remove of ["delete", "purge"] as const) {
      const put = await bucket.put(natsKey(ref, remove), "1");
      await feed.entryAt(remove, put);
      await bucket[remove](natsKey(ref, remove));
      await eventually(() => feed.latest.get(remove)?.kind === "delete");
    }
    const late = new FeedProbe(session, ref);
    await late.synced();
    expect({ ...late.content() }).toEqual({ ...feed.content() });
    late.close();
  });

  it("compare and set against each other's versions", async () => {
    const revision = await bucket.create(natsKey(ref, "counter"), "1");
    const { seq } = await store(
      session,
      ref,
      mutate(session, "counter", "2", { expectedSeq: revision }),
    );
    await expect(bucket.update(natsKey(ref, "counter"), "3", revision)).rejects.toThrow(
      /wrong last sequence/,
    );
    expect(await bucket.update(natsKey(ref, "counter"), "3", seq)).toBeGreaterThan(seq);
  });

  it("show conat nothing under names that conat does not write", async () => {
    const before = session.metrics().foreignMessages;
    // Another spelling of the key `a`: two names for one key would break compare-and-set.
    await bucket.put("project.interop.to=20do.=61", "1");
    await bucket.put("project.interop.to=20do.a.b", "1");
    const { seq } = await store(session, ref, mutate(session, "after", "1"));
    await feed.entryAt("after", seq);
    expect(session.metrics().foreignMessages).toBe(before + 1);
    expect(feed.latest.has("a")).toBe(false);
  });
});
