import { Encoder } from "@conat/conat/internal";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { StoreRef } from "../../../conat/src/protocol/scope.ts";
import { HubSession } from "../../../conat/src/session/hub-session.ts";
import { eventually } from "../../../conat/src/testing/eventually.ts";
import { FeedProbe, mutate, store, TopicProbe } from "../../../conat/src/testing/session-probe.ts";
import { useTestNats } from "../../../conat/src/testing/use-test-nats.ts";
import { type Hub, startHub } from "../hub.ts";
import { helloOf, RawClient } from "../test-kit/raw-client.ts";

/** How many well-formed frames with hostile content, and how many that are broken, each on a connection of its own. */
const FRAMES = Number(process.env.CONAT_FUZZ_FRAMES ?? 100_000);
const BROKEN_FRAMES = Math.ceil(FRAMES / 100);
const SEED = Number(process.env.CONAT_FUZZ_SEED ?? 20_261_121);
const BATCH = 500;
const SECRET = "only the victim may see this";

const nats = useTestNats();
let hub: Hub;
let victim: HubSession;
let attackers = 0;

beforeAll(async () => {
  console.info(`fuzzing with CONAT_FUZZ_SEED=${SEED}`);
  hub = await startHub({ port: 0, dev: true, natsUrl: nats().url, logger: "silent" });
  victim = new HubSession({
    address: new URL(hub.url),
    identity: { account_id: "victim", projects: ["victim-project"] },
  });
  await victim.ready();
});
afterAll(async () => {
  await victim.close();
  await hub.close();
});

const NAMES = [
  "",
  "*",
  ">",
  ".",
  "a.b",
  "a b",
  "p",
  "s",
  "k",
  "\r\n",
  "a\r\nNats-Rollup: all",
  "\0",
  "__proto__",
  "constructor",
  "toString",
  "../x",
  "$KV",
  "$JS.API.STREAM.PURGE.KV_conat-p0",
  "=",
  "==",
  "=floor",
  "=2A",
  "\ud800",
  "victim",
  "victim-project",
  "conat-live",
  "public",
  "é".repeat(300),
  "x".repeat(20_000),
  "~",
  "conat-notices",
  "conat-hubs",
] as const;

/** Things that no message should hold, from a seed. */
const anything = fc.oneof(
  fc.anything({ maxDepth: 3, withTypedArray: true }),
  fc.constantFrom<unknown>(
    ...NAMES,
    Number.NaN,
    -1,
    0,
    1,
    1.5,
    2 ** 53,
    Number.POSITIVE_INFINITY,
    null,
    true,
  ),
  fc.uint8Array({ maxLength: 200 }),
  fc.nat(90).map(deep),
);
const scope = fc.tuple(
  fc.constantFrom("account", "project", "hub", "galaxy"),
  fc.constantFrom(...NAMES),
);
const name = fc.constantFrom(...NAMES);
const storeRef = fc
  .tuple(scope, name, fc.constantFrom<unknown>(0, 1, true), fc.constantFrom("", "", "", "other"))
  .map(([[kind, id], store, ephemeral, service]): unknown[] => [
    kind,
    id,
    store,
    ephemeral,
    service,
  ]);
const topicRef = fc
  .tuple(scope, name, name)
  .map(([[kind, id], path, topic]): unknown[] => [kind, id, path, topic]);
const id = fc.oneof(fc.nat(500), anything);
const bytes = fc.oneof(fc.uint8Array({ maxLength: 50 }), fc.constant(null), anything);
const writeOptions = fc.oneof(
  fc.constant(null),
  fc.record(
    {
      s: fc.oneof(fc.nat(), anything),
      t: fc.oneof(fc.nat(), fc.constant(2 ** 53), anything),
      h: fc.dictionary(name, name),
    },
    { requiredKeys: [] },
  ),
  fc.constant({ h: { "Nats-Rollup": "all", "Nats-Msg-Id": "x", "KV-Operation": "PURGE" } }),
);
const mutation = fc.tuple(id, name, bytes, writeOptions);
const message: fc.Arbitrary<unknown[]> = fc.oneof(
  fc.tuple(
    fc.constant("open"),
    id,
    storeRef,
    fc.oneof(fc.constant(null), fc.tuple(name, fc.nat(), fc.nat())),
  ),
  fc.tuple(fc.constant("close"), id),
  fc.tuple(
    fc.constant("write"),
    storeRef,
    fc.array(fc.oneof(mutation, anything), { maxLength: 4 }),
  ),
  fc.tuple(fc.constant("read"), id, storeRef, name),
  fc.tuple(fc.constant("list"), id, scope),
  fc.tuple(fc.constant("destroy"), id, storeRef),
  fc.tuple(fc.constant("pub"), topicRef, bytes),
  fc.tuple(fc.constant("sub"), id, topicRef),
  fc.tuple(fc.constant("unsub"), id),
  fc.tuple(fc.constant("token"), anything),
  fc.tuple(
    fc.constantFrom(
      "open",
      "write",
      "read",
      "list",
      "destroy",
      "sub",
      "pub",
      "token",
      "welcome",
      "error",
      "__proto__",
    ),
    anything,
    anything,
  ),
);

/** The decoder takes no object with such a key: that costs the connection, as the other test shows. */
const sendable = message.filter((one) => !JSON.stringify(one, jsonSafe).includes('"__proto__":'));

function deep(depth: number): unknown {
  let value: unknown = 1;
  for (let at = 0; at < depth; at += 1) value = at % 2 === 0 ? [value] : { a: value };
  return value;
}

async function attack(): Promise<RawClient> {
  attackers += 1;
  const client = await RawClient.open(hub.url, {
    auth: helloOf({ account_id: `attacker-${attackers % 5}`, projects: ["p"] }),
  });
  await eventually(() => client.heard("welcome").length === 1);
  return client;
}

async function gauge(metric: string): Promise<number> {
  const text = await (await fetch(`${hub.url}/metrics`)).text();
  return Number(new RegExp(`^${metric} (\\d+)$`, "m").exec(text)?.[1]);
}

describe("whatever a client sends", () => {
  const kept: StoreRef[] = [
    { scope: { kind: "account", id: "victim" }, name: "s", ephemeral: false, service: "" },
    { scope: { kind: "project", id: "victim-project" }, name: "p", ephemeral: false, service: "" },
  ];

  it(`the hub answers or ignores it, goes on, and lets nothing across: ${FRAMES} frames`, async () => {
    for (const ref of kept) await store(victim, ref, mutate(victim, "k", SECRET));
    const probes = kept.map((ref) => new FeedProbe(victim, ref));
    await Promise.all(probes.map((probe) => probe.synced()));
    const topic = new TopicProbe(victim, {
      scope: { kind: "account", id: "victim" },
      path: "",
      name: "s",
    });
    let client = await attack();
    let sent = 0;
    let answers = 0;
    for (let round = 0; sent < FRAMES; round += 1) {
      const messages = fc.sample(sendable, {
        numRuns: Math.min(BATCH, FRAMES - sent),
        seed: SEED + round,
      });
      for (const [event, ...rest] of messages) client.send(String(event), ...rest);
      sent += messages.length;
      // Everything before this question has been dealt with when it is answered.
      const question = 1_000_000 + round;
      client.send("read", question, ["project", "p", "never", 0, ""], "k");
      await eventually(
        () => client.isClosed || client.heard("entry").some(([one]) => one === question),
        {
          timeoutMs: 20_000,
        },
      );
      expect(JSON.stringify(client.events.map(textIn))).not.toContain(SECRET);
      answers += client.events.length;
      client.events.length = 0;
      // A new one now and then, as much stays open on the old one.
      if (client.isClosed || round % 20 === 19) {
        client.close();
        client = await attack();
      }
    }
    client.close();
    expect(answers).toBeGreaterThan(FRAMES / 4);
    expect(await gauge("conat_frames_in_total")).toBeGreaterThan(FRAMES);
    for (const probe of probes) {
      expect(probe.content()).toEqual({ k: SECRET });
      expect(probe.entries).toHaveLength(1);
    }
    expect(topic.messages).toEqual([]);
    expect(Object.prototype).not.toHaveProperty("admin");
    await eventually(async () => (await gauge("conat_connections")) === 1, { timeoutMs: 20_000 });
    expect(await gauge("conat_open_feeds")).toBe(2);
    expect(await gauge("conat_subscriptions")).toBe(1);
    await eventually(async () => (await gauge("conat_pending_writes")) === 0);
  }, 240_000);

  it(`and a frame that is none costs that connection alone: ${BROKEN_FRAMES} frames`, async () => {
    const witness = await attack();
    const frames = fc.sample(
      fc.tuple(
        message,
        fc.nat(),
        fc.integer({ min: 0, max: 255 }),
        fc.constantFrom<"flip" | "cut" | "bomb" | "deep" | "proto" | "noise">(
          "flip",
          "cut",
          "bomb",
          "deep",
          "proto",
          "noise",
        ),
        fc.uint8Array({ maxLength: 100 }),
      ),
      { numRuns: BROKEN_FRAMES, seed: SEED },
    );
    for (const [[, ...rest], at, byte, how, noise] of frames) {
      const frame = encodeFrame(["bye", "x", JSON.stringify(rest, jsonSafe).slice(0, 200), 1]);
      const place = at % frame.length;
      if (how === "flip") frame[place] = byte;
      const broken = {
        flip: frame,
        cut: frame.subarray(0, place),
        bomb: Buffer.from([0x93, 0x02, 0xa1, 0x2f, 0xdd, 0xff, 0xff, 0xff, 0xff]),
        deep: Buffer.concat([
          Buffer.from([0x93, 0x02, 0xa1, 0x2f]),
          Buffer.alloc(50_000, 0x91),
          Buffer.from([1]),
        ]),
        proto: Buffer.concat([
          Buffer.from([0x93, 0x02, 0xa1, 0x2f, 0x92, 0xa3]),
          Buffer.from("sub"),
          Buffer.from([0x81, 0xa9]),
          Buffer.from("__proto__"),
          Buffer.from([0x01]),
        ]),
        noise: Buffer.from(noise),
      }[how];
      const client = await attack();
      client.sendBytes(broken);
      client.send("read", 1, ["project", "p", "never", 0, ""], "k");
      await eventually(() => client.isClosed || client.heard("entry").length > 0);
      client.close();
    }
    witness.send("read", 1, ["project", "p", "never", 0, ""], "k");
    await eventually(() => witness.heard("entry").length === 1);
    witness.close();
    await eventually(async () => (await gauge("conat_connections")) === 1);
  }, 120_000);
});

/** An event with its binaries as text. */
function textIn(event: readonly unknown[]): unknown[] {
  return event.map((part) =>
    part instanceof Uint8Array ? Buffer.from(part).toString("latin1") : part,
  );
}

function jsonSafe(_key: string, value: unknown): unknown {
  return typeof value === "bigint" ? String(value) : value;
}

function encodeFrame(data: unknown[]): Buffer {
  const [frame] = new Encoder().encode({ type: 2, nsp: "/", data });
  return Buffer.from(frame ?? []);
}
