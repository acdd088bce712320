import { connect } from "@nats-io/transport-node";
import { afterEach, describe, expect, it } from "vitest";
import type { StoreRef } from "../protocol/scope.ts";
import type { Mutation, WriteResult } from "../session/session.ts";
import { eventually } from "../testing/eventually.ts";
import {
  FeedProbe,
  type MutationFields,
  mutate,
  store,
  writeAll,
} from "../testing/session-probe.ts";
import { startTestNats } from "../testing/test-nats.ts";
import { useTestNats } from "../testing/use-test-nats.ts";
import type { JetstreamSession } from "./jetstream-session.ts";
import { openJetstream } from "./open-jetstream.ts";
import type { JetstreamOptions } from "./options.ts";

const server = useTestNats();
const sessions: JetstreamSession[] = [];
const scope = { kind: "project", id: "quiet" } as const;
const ref: StoreRef = { scope, name: "store", ephemeral: false, service: "" };

async function open(
  options: Partial<JetstreamOptions> = {},
): Promise<{ session: JetstreamSession; feed: FeedProbe }> {
  const session = await openJetstream({ servers: server().url, ...options });
  sessions.push(session);
  const feed = new FeedProbe(session, ref);
  await feed.synced();
  return { session, feed };
}

function burst(
  session: JetstreamSession,
  name: string,
  length: number,
  fields?: MutationFields,
): Mutation[] {
  return Array.from({ length }, (_, at) => mutate(session, `${name} ${at}`, "1", fields));
}

/** Counts what the server answers to anybody, until `stop`. */
async function countAnswers(): Promise<{ stop(): Promise<number> }> {
  const spy = await connect({ servers: server().url });
  let answers = 0;
  spy.subscribe("_INBOX.>", {
    callback: () => {
      answers += 1;
    },
  });
  await spy.flush();
  return {
    async stop() {
      await spy.flush();
      await spy.close();
      return answers;
    },
  };
}

/** Lets what has been written leave, and hears nothing until the server has answered all of it: it comes in one turn. */
async function waitDeaf(): Promise<void> {
  await new Promise((resolve) => process.nextTick(resolve));
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 200);
}

afterEach(async () => {
  await Promise.all(sessions.splice(0).map((session) => session.close()));
});

describe("a burst of writes to a store that is open", () => {
  it("is answered write by write, though the server answers only some", async () => {
    const { session, feed } = await open({ headCheckMs: 0 });
    const answers = await countAnswers();
    const mutations = burst(session, "many", 5_000);
    const results = await writeAll(session, ref, mutations);
    expect(await answers.stop()).toBeLessThan(500);
    for (const [at, result] of results.entries()) {
      if (!result.ok) throw result.error;
      const entry = await feed.entryAt(`many ${at}`, result.seq);
      expect(entry.write).toBe(result.write);
    }
  });

  it("is told before it is answered, whatever else is answered in the same turn", async () => {
    const { session, feed } = await open({ headCheckMs: 0 });
    const unheard: StoreRef = { ...ref, name: "nobody has it open" };
    const tooEarly: string[] = [];
    const written = burst(session, "told", 50);
    const keys = new Map(written.map(({ write, key }) => [write, key]));
    const other = writeAll(session, unheard, [mutate(session, "other", "1")]);
    const done = new Promise<void>((resolve) => {
      session.write(ref, written, ({ write }) => {
        const key = keys.get(write) ?? "";
        if (!feed.latest.has(key)) tooEarly.push(key);
        keys.delete(write);
        if (keys.size === 0) resolve();
      });
    });
    await waitDeaf();
    await Promise.all([other, done]);
    expect(tooEarly).toEqual([]);
  });

  it("that the server refuses is refused write by write, with the reason", async () => {
    const full = await startTestNats({ maxFile: "2MB" });
    const session = await openJetstream({ servers: full.url });
    try {
      await new FeedProbe(session, ref).synced();
      const value = new Uint8Array(100_000).fill(65);
      const large = Array.from({ length: 40 }, (_, at) => mutate(session, `k${at}`, value));
      const results = await writeAll(session, ref, [...large, mutate(session, "last", value)]);
      const kinds = results.map((result) => (result.ok ? "ok" : result.error.kind));
      expect(new Set(kinds)).toEqual(new Set(["ok", "storage-full"]));
      expect(kinds.lastIndexOf("ok")).toBeLessThan(kinds.indexOf("storage-full"));
      expect(session.metrics().pendingWrites).toBe(0);
    } finally {
      await session.close();
      await full.stop();
    }
  });

  it("is answered although nobody hears it any more", async () => {
    const { session, feed } = await open();
    const mutations = burst(session, "unheard", 3_000);
    const answered = writeAll(session, ref, mutations);
    feed.close();
    for (const result of await answered) {
      if (!result.ok) throw result.error;
      const key = mutations.find(({ write }) => write === result.write)?.key ?? "";
      if (result.write % 100 === 0) {
        expect(await session.read(ref, key)).toMatchObject({ seq: result.seq });
      }
    }
  });

  it("has an answer for each of two writers who count alike", async () => {
    const { session, feed } = await open();
    const ours = burst(session, "ours", 500);
    const theirs = ours.map((mutation, at) => ({
      ...mutation,
      key: `theirs ${at}`,
      origin: "they",
    }));
    const all = await Promise.all([writeAll(session, ref, ours), writeAll(session, ref, theirs)]);
    const keys = [...ours, ...theirs].map(({ key }) => key);
    for (const [at, result] of all.flat().entries()) {
      if (!result.ok) throw result.error;
      await feed.entryAt(keys[at] ?? "", result.seq);
    }
  });

  it("that is sent a second time is not stored a second time, and is answered", async () => {
    const { session } = await open();
    const mutations = burst(session, "twice", 100);
    const first = await writeAll(session, ref, mutations);
    const second = await writeAll(session, ref, mutations);
    const stored = (results: WriteResult[]): number[] =>
      results.map((result) => (result.ok ? result.seq : 0));
    expect(stored(second)).toEqual(stored(first));
    expect(second.every((result) => result.ok && result.duplicate)).toBe(true);
  });

  it("in which a key comes twice leaves it as it was written last, though the first is refused", async () => {
    const tight = await startTestNats();
    const session = await openJetstream({ servers: tight.url, maxBytes: 1_500_000 });
    try {
      await new FeedProbe(session, ref).synced();
      const bytes = (length: number): Uint8Array => new Uint8Array(length).fill(65);
      await store(session, ref, mutate(session, "key", bytes(700_000)));
      // There is room for it only once the next has taken the place of what is stored.
      const first = mutate(session, "key", bytes(1_000_000));
      const burst = [first, mutate(session, "key", "last"), mutate(session, "other", "1")];
      const results = await writeAll(session, ref, burst);
      expect(results[0]).toMatchObject({ ok: false, error: { kind: "storage-full" } });
      expect(await session.read(ref, "key")).toMatchObject({ write: burst[1]?.write });
    } finally {
      await session.close();
      await tight.stop();
    }
  });

  it("with a write in it that cannot be one is stored but for that", async () => {
    const { session } = await open();
    const before = burst(session, "before", 10);
    const huge = mutate(session, "huge", new Uint8Array(8 * 1_024 * 1_024));
    const results = await writeAll(session, ref, [...before, huge]);
    expect(results.slice(0, 10).every(({ ok }) => ok)).toBe(true);
    expect(results.at(-1)).toMatchObject({ ok: false, error: { kind: "value-too-large" } });
  });

  it("is of unknown outcome as a whole when the server does not answer", async () => {
    const { session, feed } = await open({ writeTimeoutMs: 200 });
    await store(session, ref, mutate(session, "before", "1"));
    await server().kill("SIGSTOP");
    const results = await writeAll(session, ref, burst(session, "slow", 50));
    for (const result of results) {
      expect(result).toMatchObject({ ok: false, error: { kind: "ambiguous" } });
    }
    expect(session.metrics().pendingWrites).toBe(0);
    await server().kill("SIGCONT");
    await eventually(() => feed.latest.has("slow 49"));
  });

  it("in flight when the server dies is answered exactly once, and never as stored when it is not", async () => {
    const { session } = await open();
    const mutations = burst(session, "dying", 5_000);
    const results = new Map<number, WriteResult>();
    session.write(ref, mutations, (result) => {
      expect(results.has(result.write)).toBe(false);
      results.set(result.write, result);
      if (results.size === 1_000) void server().kill("SIGKILL");
    });
    await eventually(() => results.size === mutations.length);
    expect(session.metrics().pendingWrites).toBe(0);
    await eventually(() => server().pid === undefined);
    await server().restart();
    await session.ready();
    const feed = new FeedProbe(session, ref);
    await feed.synced();
    for (const { write, key } of mutations) {
      const result = results.get(write);
      if (result?.ok) expect(feed.latest.get(key)).toMatchObject({ seq: result.seq, write });
      else expect(["ambiguous", "unavailable"]).toContain(result?.error.kind);
    }
  });
});
