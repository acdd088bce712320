import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { BucketRow, IN_FLIGHT_MS } from "./bucket-row.ts";

const MAX_AGE_MS = 2_000;
const PAUSE_MS = 20_000;

/** A leader that has so many messages, and counts how often it is asked. */
function open(stored: number) {
  const leader = { stored, asked: 0 };
  const row = new BucketRow({
    readLastSeq: async () => {
      leader.asked += 1;
      return leader.stored;
    },
    serverTime: () => Date.now(),
    maxAgeMs: MAX_AGE_MS,
    pauseMs: PAUSE_MS,
  });
  const hear = (...seqs: number[]): void => {
    for (const seq of seqs) row.heard(seq);
  };
  /** What is known after what may be on its way has arrived. */
  const reachSince = async (after: number): Promise<number | undefined> => {
    const reach = row.reachSince(after);
    await vi.advanceTimersByTimeAsync(IN_FLIGHT_MS);
    return (await reach)?.seq;
  };
  return { leader, row, hear, reachSince };
}

describe("what came by of a bucket", () => {
  beforeEach(() => {
    vi.useFakeTimers({ now: 1_000, toFake: ["Date", "performance", "setTimeout", "clearTimeout"] });
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it("is all of it while nothing is stored", async () => {
    expect(await open(5).reachSince(5)).toBe(5);
  });

  it("is all of it when every message was heard", async () => {
    const { hear, reachSince } = open(8);
    hear(6, 7, 7, 6, 8);
    expect(await reachSince(5)).toBe(8);
  });

  it("is all of it from the first message that a new bucket stores", async () => {
    const { hear, reachSince } = open(2);
    hear(1, 2);
    expect(await reachSince(0)).toBe(2);
  });

  it("is all of it when the last one arrives after the leader's answer", async () => {
    const { row, hear } = open(7);
    hear(6);
    const reach = row.reachSince(5);
    await vi.advanceTimersByTimeAsync(IN_FLIGHT_MS / 2);
    hear(7);
    await vi.advanceTimersByTimeAsync(IN_FLIGHT_MS);
    expect(await reach).toMatchObject({ seq: 7 });
  });

  it("is not all of it when a message before the first, between two, or after the last was not heard", async () => {
    for (const heard of [[], [7, 8], [6, 8], [6, 7]]) {
      const { hear, reachSince } = open(8);
      hear(...heard);
      expect(await reachSince(5)).toBeUndefined();
    }
  });

  it("is all of it again for whoever is complete up to the gap", async () => {
    const { hear, reachSince } = open(9);
    hear(6, 8, 9);
    expect(await reachSince(6)).toBeUndefined();
    expect(await reachSince(7)).toBe(9);
  });

  it("is nothing that can be known when the leader has less than was known before", async () => {
    expect(await open(3).reachSince(5)).toBeUndefined();
  });

  it("takes one question for all who ask at about the same time, and none where a gap shows", async () => {
    const { leader, row, hear, reachSince } = open(6);
    hear(6);
    const all = Promise.all([row.reachSince(5), row.reachSince(5), row.reachSince(6)]);
    await vi.advanceTimersByTimeAsync(MAX_AGE_MS - 1);
    expect((await all).map((reach) => reach?.seq)).toEqual([6, 6, 6]);
    await reachSince(5);
    await reachSince(4);
    expect(leader.asked).toBe(1);
    await vi.advanceTimersByTimeAsync(MAX_AGE_MS);
    await reachSince(5);
    expect(leader.asked).toBe(2);
  });

  it("takes another question from whoever knows more than the last answer said", async () => {
    const { leader, hear, reachSince } = open(6);
    hear(6);
    expect(await reachSince(5)).toBe(6);
    leader.stored = 8;
    hear(7, 8);
    expect(await reachSince(7)).toBe(8);
    expect(leader.asked).toBe(2);
  });

  it("takes another question, one for all, from who hears more than an answer that told nothing new", async () => {
    const { leader, hear, row, reachSince } = open(6);
    hear(6);
    expect(await reachSince(5)).toBe(6);
    leader.stored = 7;
    hear(7);
    const all = Promise.all([row.reachSince(6), row.reachSince(6), row.reachSince(6)]);
    await vi.advanceTimersByTimeAsync(IN_FLIGHT_MS);
    expect((await all).map((reach) => reach?.seq)).toEqual([7, 7, 7]);
    expect(leader.asked).toBe(2);
  });

  it("is not asked for while others write elsewhere", async () => {
    const { leader, reachSince } = open(6);
    expect(await reachSince(5)).toBeUndefined();
    leader.stored = 7;
    await vi.advanceTimersByTimeAsync(PAUSE_MS - 1);
    expect(await reachSince(6)).toBeUndefined();
    expect(leader.asked).toBe(1);
    await vi.advanceTimersByTimeAsync(PAUSE_MS);
    expect(await reachSince(7)).toBe(7);
    expect(leader.asked).toBe(2);
  });

  it("is asked for again, after a pause, after a question that was not answered", async () => {
    const answers = [Promise.reject(new Error("no leader")), Promise.resolve(5)];
    const row = new BucketRow({
      readLastSeq: () => answers.shift() ?? Promise.resolve(0),
      serverTime: () => 0,
      maxAgeMs: MAX_AGE_MS,
      pauseMs: PAUSE_MS,
    });
    await expect(row.reachSince(5)).rejects.toThrow("no leader");
    expect(await row.reachSince(5)).toBeUndefined();
    await vi.advanceTimersByTimeAsync(PAUSE_MS);
    expect(await row.reachSince(5)).toMatchObject({ seq: 5 });
  });
});
