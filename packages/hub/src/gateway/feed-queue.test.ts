import { ConatError, createEntry, type FeedEvent, type FeedSynced } from "@conat/conat/internal";
import { describe, expect, it } from "vitest";
import { FeedQueue } from "./feed-queue.ts";

const full: FeedEvent = { type: "reset", mode: "full", epoch: "e", durability: "os" };
const delta: FeedEvent = { type: "reset", mode: "delta", epoch: "e", durability: "os" };
const stale: FeedEvent = { type: "stale", error: new ConatError("unavailable", "cut") };

function entries(key: string, seq: number, position = 0): FeedEvent {
  const entry = createEntry({ key, seq, time: 0, value: new Uint8Array(9) });
  return { type: "entries", batch: { entries: [entry], position } };
}

function synced(seq: number): FeedSynced {
  return { type: "synced", checkpoint: { epoch: "e", seq, time: 5 } };
}

function queueOf(...events: FeedEvent[]): FeedQueue {
  const queue = new FeedQueue();
  for (const event of events) queue.push(event);
  return queue;
}

function story(queue: FeedQueue): string[] {
  const told: string[] = [];
  for (let event = queue.shift(); event; event = queue.shift()) {
    if (event.type === "reset") told.push(event.mode);
    else if (event.type === "entries") told.push(event.batch.entries.map(({ key }) => key).join());
    else if (event.type === "synced") told.push(toText(event));
    else told.push(event.type);
  }
  return told;
}

function toText({ checkpoint: { seq }, verified = seq }: FeedSynced): string {
  return `synced ${seq}${verified < seq ? `, verified ${verified}` : ""}`;
}

describe("a feed's queue", () => {
  it("keeps events in order", () => {
    expect(story(queueOf(full, entries("a", 1), entries("b", 2), synced(2)))).toEqual([
      "full",
      "a",
      "b",
      "synced 2",
    ]);
  });

  it("makes live entries part of a snapshot that still waits, and says so in its position", () => {
    const queue = queueOf(full, entries("a", 1), synced(1), entries("b", 2, 2), entries("c", 3, 7));
    expect(queue.liveBytes).toBe(20);
    expect(story(queue)).toEqual(["full", "a", "b", "c", "synced 7, verified 1"]);
    expect(queue.isEmpty).toBe(true);
  });

  it("takes live entries in while it is being emptied", () => {
    const queue = queueOf(full, entries("a", 1), synced(1));
    queue.shift();
    queue.shift();
    queue.push(entries("b", 2, 2));
    expect(story(queue)).toEqual(["b", "synced 2, verified 1"]);
  });

  it("says how far all of that is verified, the last that is known", () => {
    const verified = (seq: number): FeedEvent => ({ type: "verified", seq });
    const partly = { ...synced(2), verified: 1 };
    const before = queueOf(full, entries("a", 1), partly, entries("b", 3, 3));
    expect(story(before)).toEqual(["full", "a", "b", "synced 3, verified 1"]);
    const since = queueOf(full, synced(2), entries("b", 3, 3), verified(3));
    expect(story(since)).toEqual(["full", "b", "synced 3"]);
  });

  it("goes back to the snapshot's own position when it has to drop what came after", () => {
    const queue = queueOf(full, entries("a", 1), synced(1), entries("b", 2, 2));
    queue.dropLive();
    expect(queue.liveBytes).toBe(0);
    queue.push(stale);
    expect(story(queue)).toEqual(["full", "a", "synced 1", "stale"]);
  });

  it("keeps that there is another epoch before a snapshot of the reader's own", () => {
    const other: FeedEvent = { type: "reset", mode: "full", epoch: "", durability: "os" };
    expect(story(queueOf(other, full, entries("a", 1)))).toEqual(["full", "full", "a"]);
  });

  it("does not send what a full snapshot replaces, and does send what a delta builds on", () => {
    expect(story(queueOf(full, entries("a", 1), stale, full, entries("b", 2)))).toEqual([
      "full",
      "b",
    ]);
    expect(story(queueOf(full, synced(1), entries("b", 2, 2), stale, delta, synced(3)))).toEqual([
      "full",
      "b",
      "synced 2, verified 1",
      "stale",
      "delta",
      "synced 3",
    ]);
  });
});
