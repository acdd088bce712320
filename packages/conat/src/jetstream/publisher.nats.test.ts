import { connect } from "@nats-io/transport-node";
import { afterEach, describe, expect, it, onTestFinished } from "vitest";
import type { StoreRef } from "../protocol/scope.ts";
import { bucketName, keySubject } from "../protocol/subjects.ts";
import type { WriteResult } from "../session/session.ts";
import { eventually } from "../testing/eventually.ts";
import { FeedProbe, mutate, refused, store, writeAll } from "../testing/session-probe.ts";
import { startTestNats } from "../testing/test-nats.ts";
import { useTestNats } from "../testing/use-test-nats.ts";
import type { JetstreamSession } from "./jetstream-session.ts";
import { openJetstream } from "./open-jetstream.ts";
import type { JetstreamOptions } from "./options.ts";

interface ApiAnswer {
  readonly config: object;
  readonly message?: { readonly hdrs: string };
}

const server = useTestNats();
const sessions: JetstreamSession[] = [];
const scope = { kind: "project", id: "writes" } as const;
const ref: StoreRef = { scope, name: "store", ephemeral: false, service: "" };

async function open(options: Partial<JetstreamOptions> = {}): Promise<JetstreamSession> {
  const session = await openJetstream({ servers: server().url, ...options });
  sessions.push(session);
  return session;
}

afterEach(async () => {
  await Promise.all(sessions.splice(0).map((session) => session.close()));
});

describe("a write to JetStream", () => {
  it("is for the bucket that is there now, in the place of another one", async () => {
    const nats = await startTestNats();
    onTestFinished(() => nats.stop());
    const connection = await connect({ servers: nats.url });
    onTestFinished(() => connection.close());
    const api = async (subject: string, payload: object = {}): Promise<ApiAnswer> =>
      (await connection.request(`$JS.API.STREAM.${subject}`, JSON.stringify(payload))).json();
    const session = await open({ servers: nats.url });
    await store(session, ref, mutate(session, "first", "1"));
    await store(session, ref, mutate(session, "second", "1"));
    const { config } = await api("INFO.KV_conat-p0");
    await api("DELETE.KV_conat-p0");
    await api("CREATE.KV_conat-p0", { ...config, subject_delete_marker_ttl: 77e9 });
    const last_by_subj = keySubject(bucketName(false, 0), ref, "gone");
    await eventually(async () => {
      await store(session, ref, mutate(session, "gone", undefined));
      const { message } = await api("MSG.GET.KV_conat-p0", { last_by_subj });
      return Buffer.from(message?.hdrs ?? "", "base64").includes("Nats-TTL: 77\r");
    });
  });

  it("while the server is away is certainly not stored, and says so at once", async () => {
    const session = await open();
    await server().kill("SIGKILL");
    await eventually(() => session.status.state !== "ready");
    const { error } = await refused(session, ref, mutate(session, "away", "1"));
    expect(error).toMatchObject({ kind: "unavailable" });
    await expect(session.read(ref, "away")).rejects.toMatchObject({ kind: "unavailable" });
    await server().restart();
    await session.ready();
    expect(await session.read(ref, "away")).toBeUndefined();
  });

  it("that is not answered is ambiguous, and may be stored all the same", async () => {
    const session = await open({ writeTimeoutMs: 200 });
    await store(session, ref, mutate(session, "before", "1"));
    await server().kill("SIGSTOP");
    const { error } = await refused(session, ref, mutate(session, "slow", "1"));
    expect(error).toMatchObject({ kind: "ambiguous" });
    await server().kill("SIGCONT");
    await eventually(async () => (await session.read(ref, "slow")) !== undefined);
  });

  it("in flight when the server dies is answered exactly once, and never as stored when it is not", async () => {
    const session = await open();
    const results = new Map<number, WriteResult>();
    const keys = new Map<number, string>();
    const mutations = Array.from({ length: 5_000 }, (_, at) => mutate(session, `dying ${at}`, "1"));
    for (const { write, key } of mutations) keys.set(write, key);
    session.write(ref, mutations, (result) => {
      expect(results.has(result.write)).toBe(false);
      results.set(result.write, result);
      if (results.size === 1_000) void server().kill("SIGKILL");
    });
    await eventually(() => results.size === mutations.length);
    await eventually(() => server().pid === undefined);
    await server().restart();
    await session.ready();
    const feed = new FeedProbe(session, ref);
    await feed.synced();
    let lost = 0;
    for (const [write, result] of results) {
      const entry = feed.latest.get(keys.get(write) ?? "");
      if (result.ok) expect(entry).toMatchObject({ seq: result.seq, write });
      else {
        expect(["ambiguous", "unavailable"]).toContain(result.error.kind);
        if (result.error.kind === "unavailable") expect(entry).toBeUndefined();
        lost += 1;
      }
    }
    expect(lost).toBeGreaterThan(0);
    expect(session.metrics().pendingWrites).toBe(0);
  });

  it("of more than the window waits its turn and is stored", async () => {
    const session = await open();
    const mutations = Array.from({ length: 7_000 }, (_, at) => mutate(session, `burst ${at}`, "1"));
    const results = await writeAll(session, ref, mutations);
    expect(results.every(({ ok }) => ok)).toBe(true);
  });

  it("of more than nats-server takes is refused by name, and holds up nothing", async () => {
    const session = await open();
    const huge = new Uint8Array(8 * 1024 * 1024);
    const { error } = await refused(session, ref, mutate(session, "huge", huge));
    expect(error).toMatchObject({ kind: "value-too-large" });
    expect(error.message).toContain("8388608");
    const headers = { big: "x".repeat(70_000) };
    const tooLong = await refused(session, ref, mutate(session, "headers", "1", { headers }));
    expect(tooLong.error).toMatchObject({ kind: "value-too-large" });
    await store(session, ref, mutate(session, "next", "1"));
  });

  it("is sent though all that was in the window before it was refused unsent", async () => {
    const session = await open();
    const huge = new Uint8Array(8 * 1024 * 1024);
    const mutations = ["a", "b", "c"].map((key) => mutate(session, key, huge));
    const results = await writeAll(session, ref, [...mutations, mutate(session, "small", "1")]);
    const kinds = results.map((result) => (result.ok ? "ok" : result.error.kind));
    const tooLarge = "value-too-large";
    expect(kinds).toEqual([tooLarge, tooLarge, tooLarge, "ok"]);
    expect(session.metrics().pendingWrites).toBe(0);
  });

  it("cannot smuggle in a header of NATS", async () => {
    const session = await open();
    const headers = {
      "Nats-Rollup": "all",
      "x\r\nNats-Rollup: all\r\ny": "a\r\nKV-Operation: DEL",
    };
    await store(session, ref, mutate(session, "bystander", "1"));
    const { seq } = await store(session, ref, mutate(session, "smuggler", "1", { headers }));
    expect(await session.read(ref, "bystander")).toMatchObject({ kind: "put" });
    const entry = await session.read(ref, "smuggler");
    expect(entry).toMatchObject({ kind: "put", seq });
    expect({ ...entry?.headers }).toEqual(headers);
    const origin = "me\r\nNats-Rollup: all";
    const { error } = await refused(session, ref, mutate(session, "smuggler", "1", { origin }));
    expect(error).toMatchObject({ kind: "bad-options" });
    expect(await session.read(ref, "bystander")).toMatchObject({ kind: "put" });
  });

  it("under the longest names there are comes back under those names", async () => {
    const session = await open();
    const longest = "ü".repeat(8_192);
    const named: StoreRef = { ...ref, name: longest };
    const feed = new FeedProbe(session, named);
    await feed.synced();
    const { seq } = await store(session, named, mutate(session, longest, "1"));
    await feed.entryAt(longest, seq);
    await store(session, named, mutate(session, longest, undefined, { expectedSeq: seq }));
    await eventually(() => feed.latest.get(longest)?.kind === "delete");
    expect(await session.read(named, longest)).toMatchObject({ key: longest, kind: "delete" });
  });

  it("to a service that does not keep stores here is refused by name", async () => {
    const session = await open();
    const elsewhere = { ...ref, service: "another" };
    const { error } = await refused(session, elsewhere, mutate(session, "a", "1"));
    expect(error).toMatchObject({ kind: "bad-options" });
    const feed = new FeedProbe(session, elsewhere);
    await eventually(() => feed.types.at(-1) === "closed");
  });

  it("when the disk is full is told as such, and reading goes on", async () => {
    const full = await startTestNats({ maxFile: "2MB" });
    const session = await openJetstream({ servers: full.url });
    try {
      const value = new Uint8Array(100_000).fill(65);
      const mutations = Array.from({ length: 40 }, (_, at) => mutate(session, `k${at}`, value));
      const results = await writeAll(session, ref, mutations);
      const failures = results.flatMap((result) => (result.ok ? [] : [result.error.kind]));
      expect(failures.length).toBeGreaterThan(0);
      expect(new Set(failures)).toEqual(new Set(["storage-full"]));
      expect(await session.read(ref, "k0")).toMatchObject({ kind: "put" });
    } finally {
      await session.close();
      await full.stop();
    }
  });

  it("to a bucket that is full is told as such", async () => {
    const own = await startTestNats();
    const session = await openJetstream({ servers: own.url, memoryMaxBytes: 10_000 });
    try {
      const ephemeral = { ...ref, ephemeral: true };
      const value = new Uint8Array(3_000);
      const mutations = Array.from({ length: 5 }, (_, at) => mutate(session, `k${at}`, value));
      const results = await writeAll(session, ephemeral, mutations);
      const failures = results.flatMap((result) => (result.ok ? [] : [result.error.kind]));
      expect(new Set(failures)).toEqual(new Set(["storage-full"]));
    } finally {
      await session.close();
      await own.stop();
    }
  });

  it("after the session is closed is refused as closed", async () => {
    const session = await open();
    await session.close();
    const { error } = await refused(session, ref, mutate(session, "a", "1"));
    expect(error).toMatchObject({ kind: "closed" });
  });
});
