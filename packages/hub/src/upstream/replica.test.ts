import { createEntry, type Entry, type EntryKind } from "@conat/conat/internal";
import { describe, expect, it } from "vitest";
import { Replica, splitBatch } from "./replica.ts";

const TTL = 10_000;

function replicaOf(...entries: Entry[]): Replica {
  const replica = new Replica({
    epoch: "e",
    durability: "os",
    markerTtlMs: TTL,
    completeSince: 500,
    chunkBytes: 100,
  });
  replica.apply({ entries, position: 0 });
  return replica;
}

function put(key: string, seq: number, value = "v"): Entry {
  return createEntry({ key, seq, time: seq, value: new TextEncoder().encode(value) });
}

function marker(key: string, seq: number, kind: EntryKind = "delete", origin = "o"): Entry {
  return createEntry({ key, seq, time: seq, kind, origin });
}

const keysOf = (batches: readonly { entries: readonly Entry[] }[]): string[] =>
  batches.flatMap((batch) => batch.entries.map((entry) => `${entry.key}@${entry.seq}`));

describe("a replica", () => {
  it("keeps the last entry of each key, and hands on only what is news", () => {
    const replica = replicaOf(put("a", 1), put("b", 2));
    const batch = { entries: [put("a", 3), put("c", 4)], position: 9 };
    expect(replica.apply(batch)).toBe(batch);
    const mixed = { entries: [put("d", 10), put("a", 2), put("b", 11)], position: 0 };
    expect(keysOf([replica.apply(mixed)])).toEqual(["d@10", "b@11"]);
    expect(keysOf(replica.snapshot()).sort()).toEqual(["a@3", "b@11", "c@4", "d@10"]);
    expect(replica.position).toBe(11);
  });

  it("knows removals, so that a reader who was away hears of them and an old entry does not come back", () => {
    const replica = replicaOf(put("a", 1), put("b", 2), marker("a", 3));
    expect(keysOf([replica.apply({ entries: [put("a", 1)], position: 0 })])).toEqual([]);
    expect(keysOf(replica.since(2))).toEqual(["a@3"]);
  });

  it("cuts a snapshot into batches of about the chunk size, an entry larger than that alone", () => {
    const replica = replicaOf(...[1, 2, 3, 4, 5].map((seq) => put(`k${seq}`, seq, "x".repeat(30))));
    expect(replica.snapshot().map((batch) => batch.entries.length)).toEqual([2, 2, 1]);
    replica.apply({ entries: [put("big", 9, "x".repeat(1_000))], position: 0 });
    expect(replica.snapshot().map((batch) => batch.entries.length)).toEqual([2, 2, 1, 1]);
  });

  it("accounts for its memory: what goes in comes out again", () => {
    const replica = replicaOf();
    expect(replica.bytes).toBe(0);
    replica.apply({ entries: [put("a", 1, "x".repeat(1_000))], position: 0 });
    const full = replica.bytes;
    expect(full).toBeGreaterThan(1_000);
    replica.apply({ entries: [put("a", 2, "x".repeat(1_000))], position: 0 });
    expect(replica.bytes).toBe(full);
    replica.apply({ entries: [marker("a", 3)], position: 0 });
    replica.sweepMarkers(4 + TTL);
    expect(replica.bytes).toBe(0);
    expect(replica.size).toBe(0);
  });

  it("forgets markers when the server does, and then admits that older readers need everything", () => {
    const replica = replicaOf(put("a", 1), marker("b", 1_000), marker("c", 2_000, "expiry", ""));
    replica.sweepMarkers(1_000 + TTL);
    expect(replica.size).toBe(3);
    expect(replica.completeSince).toBe(500);
    replica.sweepMarkers(1_001 + TTL);
    expect(keysOf(replica.snapshot())).toEqual(["a@1", "c@2000"]);
    expect(replica.completeSince).toBe(1_000);
    replica.sweepMarkers(2_001 + TTL);
    expect(keysOf(replica.snapshot())).toEqual(["a@1"]);
    expect(replica.completeSince).toBe(2_000);
  });

  it("keeps the marker of a plain NATS client, which the server keeps too", () => {
    const replica = replicaOf(marker("a", 1, "delete", ""));
    replica.sweepMarkers(100 * TTL);
    expect(replica.size).toBe(1);
  });

  it("a floor empties the store below it and stays for those who were away", () => {
    const replica = replicaOf(put("a", 1), put("b", 2), put("c", 9));
    replica.apply({ entries: [marker("", 5, "floor")], position: 0 });
    expect(keysOf(replica.snapshot())).toEqual(["@5", "c@9"]);
    expect(keysOf([replica.apply({ entries: [put("a", 4)], position: 0 })])).toEqual([]);
    expect(keysOf(replica.since(6))).toEqual(["c@9"]);
  });

  it("tells of a floor that a further snapshot begins with, and does not take its keys for lost", () => {
    const old = replicaOf(put("a", 1), put("b", 2));
    const next = replicaOf(marker("", 5, "floor"), put("c", 9));
    const { changed, vanished } = old.reconcile(next, 9, 9_000);
    expect(keysOf(changed)).toEqual(["@5", "c@9"]);
    expect(vanished).toBe(false);
    expect(next.completeSince).toBe(500);
    const again = replicaOf(marker("", 5, "floor"), put("c", 9));
    expect(keysOf(next.reconcile(again, 9, 9_000).changed)).toEqual([]);
  });

  it("keeps a floor that a snapshot from a server that lags does not know", () => {
    const old = replicaOf(put("a", 1), marker("", 5, "floor"));
    const next = replicaOf(put("a", 1));
    old.reconcile(next, 3, 9_000);
    expect(keysOf(next.snapshot())).toEqual(["@5"]);
  });

  it("finds what a further snapshot changed", () => {
    const old = replicaOf(put("a", 1), put("b", 2), put("c", 3));
    const next = replicaOf(put("a", 1), put("b", 5), put("c", 3), marker("d", 6));
    const { changed, vanished } = old.reconcile(next, 6, 9_000);
    expect(keysOf(changed)).toEqual(["b@5", "d@6"]);
    expect(vanished).toBe(false);
    expect(next.completeSince).toBe(500);
  });

  it("notices a key that is gone without a trace, and remembers from when on", () => {
    const old = replicaOf(put("a", 1), put("b", 2));
    const next = replicaOf(put("a", 1));
    expect(old.reconcile(next, 6, 9_000).vanished).toBe(true);
    expect(next.completeSince).toBe(9_000);
    expect(keysOf(next.snapshot())).toEqual(["a@1"]);
  });

  it("does not go back to a snapshot from a server that lags", () => {
    const old = replicaOf(put("a", 8), put("b", 9));
    const next = replicaOf(put("a", 2));
    const { changed, vanished } = old.reconcile(next, 2, 9_000);
    expect(keysOf(changed)).toEqual([]);
    expect(vanished).toBe(false);
    expect(keysOf(next.snapshot()).sort()).toEqual(["a@8", "b@9"]);
    expect(next.position).toBe(9);
  });
});

describe("a batch that is too large for one frame", () => {
  it("becomes several, in order, and only the last says how far they go", () => {
    const entries = [1, 2, 3, 4, 5].map((seq) => put(`k${seq}`, seq, "x".repeat(30)));
    const batches = splitBatch({ entries, position: 9 }, 100);
    expect(batches.map((batch) => batch.entries.length)).toEqual([2, 2, 1]);
    expect(batches.map((batch) => batch.position)).toEqual([0, 0, 9]);
    expect(batches.flatMap((batch) => batch.entries)).toEqual(entries);
  });

  it("stays what it is when it fits, or has nothing to divide", () => {
    for (const entries of [[], [put("a", 1, "x".repeat(500))], [put("a", 1), put("b", 2)]]) {
      const batch = { entries, position: 3 };
      expect(splitBatch(batch, 100)[0]).toBe(batch);
    }
  });
});
