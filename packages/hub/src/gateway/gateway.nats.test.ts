import { PROTOCOL_VERSION } from "@conat/conat/internal";
import { afterEach, beforeAll, describe, expect, it } from "vitest";
import { decodeBlock } from "../../../conat/src/protocol/block.ts";
import { HubSession } from "../../../conat/src/session/hub-session.ts";
import { eventually } from "../../../conat/src/testing/eventually.ts";
import {
  FeedProbe,
  mutate,
  store,
  TopicProbe,
  writeAll,
} from "../../../conat/src/testing/session-probe.ts";
import { useTestNats } from "../../../conat/src/testing/use-test-nats.ts";
import { type Hub, startHub } from "../hub.ts";
import { helloOf, RawClient, type RawClientOptions } from "../test-kit/raw-client.ts";

const nats = useTestNats();
const clients: RawClient[] = [];
const sessions: HubSession[] = [];
let hub: Hub;

const MAX_OUTBOX_BYTES = 500_000;
const ref = ["project", "p", "s", 0, ""];
const storeRef = {
  scope: { kind: "project" as const, id: "p" },
  name: "s",
  ephemeral: false,
  service: "",
};

beforeAll(async () => {
  hub = await startHub({
    port: 0,
    dev: true,
    natsUrl: nats().url,
    limits: { maxOutboxBytes: MAX_OUTBOX_BYTES, snapshotWindowBytes: 100_000 },
  });
  return () => hub.close();
});
afterEach(async () => {
  for (const client of clients.splice(0)) client.close();
  await Promise.all(sessions.splice(0).map((session) => session.close()));
});

async function enter(options?: RawClientOptions): Promise<RawClient> {
  const client = await RawClient.open(hub.url, options);
  clients.push(client);
  return client;
}

async function welcomed(options?: RawClientOptions): Promise<RawClient> {
  const client = await enter(options);
  await eventually(() => client.heard("welcome").length === 1);
  return client;
}

/** The hub still answers this client. */
async function isAlive(client: RawClient): Promise<void> {
  const before = client.heard("entry").length;
  client.send("read", 999, ref, "nothing");
  await eventually(() => client.heard("entry").length > before);
}

async function metric(name: string): Promise<number> {
  const text = await (await fetch(`${hub.url}/metrics`)).text();
  const line = text.split("\n").find((one) => one.startsWith(`${name} `));
  return Number(line?.split(" ").at(-1) ?? 0);
}

describe("the handshake", () => {
  it("is answered with a welcome that names the origin, bound to who the client is", async () => {
    const client = await welcomed({ auth: helloOf({ account_id: "me" }, "instance-00000001") });
    const [[message] = []] = client.heard("welcome");
    expect(message).toMatchObject({
      v: PROTOCOL_VERSION,
      origin: expect.stringMatching(/^[\w-]{16}\.instance-00000001$/),
    });
  });

  const hello = helloOf({ account_id: "me" });
  it.each([
    ["an older protocol", { ...hello, v: 0 }, "protocol-version", /update the client/],
    ["a newer protocol", { ...hello, v: 99 }, "protocol-version", /update the hub/],
    ["no version", { client: "instance-00000001" }, "bad-request", /version/],
    ["a client id that is a header", { ...hello, client: "a\r\nb: c" }, "bad-request", /handshake/],
    [
      "no identity",
      { ...hello, identity: undefined },
      "unauthenticated",
      /identity: \{ account_id/,
    ],
    [
      "two identities",
      helloOf({ account_id: "a", project_id: "b" }),
      "unauthenticated",
      /identity:/,
    ],
    ["an empty account", helloOf({ account_id: "" }), "unauthenticated", /account_id is empty/],
    [
      "more than an identity",
      helloOf({ account_id: "a", admin: true }),
      "bad-request",
      /handshake/,
    ],
  ])("with %s is refused by name", async (_what, auth, kind, message) => {
    const client = await enter({ auth });
    await eventually(() => client.refusal !== undefined);
    expect(client.refusal).toMatchObject({
      data: { kind, message: expect.stringMatching(message) },
    });
    expect(client.heard("welcome")).toEqual([]);
  });

  it("without an object, to another namespace, or twice costs the connection", async () => {
    const clients = [await enter({ auth: null }), await welcomed(), await welcomed()];
    clients[1]?.sendConnect("/", hello);
    clients[2]?.sendConnect("/other", hello);
    await eventually(() => clients.every((client) => client.isClosed));
  });

  it("is refused to a page from elsewhere before it begins", async () => {
    const headers = { Origin: "https://evil.example" };
    await expect(RawClient.open(hub.url, { headers })).rejects.toThrow(/status 4/);
    await welcomed({ headers: { Origin: "http://localhost:5173" } });
  });
});

describe("a message that is wrong", () => {
  it.each([
    ["open", [1, "no store", null], "closed", 1],
    ["open", [2, ["galaxy", "p", "s", 0, ""], null], "closed", 2],
    ["open", [3, ref, ["e", -1, 0]], "closed", 3],
    ["read", [4, ref, 5], "entry", 4],
    ["sub", [5, ["project", "p", "s"]], "unsubscribed", 5],
    ["write", [ref, [[6, "k", "not bytes", null]]], "nack", 6],
    ["write", [ref, [[7, "k", null, { s: -1 }]]], "nack", 7],
    ["write", [ref, [[8, "k", null, { x: 1 }]]], "nack", 8],
  ])("%s %j is answered by name", async (event, message, answer, id) => {
    const client = await welcomed();
    client.send(event, ...message);
    await eventually(() => client.heard(answer).length === 1);
    expect(client.heard(answer)[0]?.[0]).toBe(id);
    expect(JSON.stringify(client.heard(answer)[0])).toContain("bad-request");
    await isAlive(client);
  });

  it.each([
    ["open", []],
    ["open", [{ __proto: 1 }]],
    ["write", [ref, "x"]],
    ["write", [ref, [["x"]]]],
    ["close", ["1"]],
    ["pub", [["project", "p", "", "t"], "text"]],
    ["unsub", []],
    ["unheard-of", [1, 2, 3]],
    ["disconnect", ["transport close"]],
    ["error", ["x"]],
    ["newListener", ["x"]],
    ["__proto__", []],
  ])("%s %j without an id is ignored, and counted", async (event, message) => {
    const client = await welcomed();
    client.send(event, ...message);
    await isAlive(client);
    const text = await (await fetch(`${hub.url}/metrics`)).text();
    expect(text).toMatch(/conat_ignored_total\{reason="(bad-message|unknown-event)"\} \d/);
  });

  it("asks for no store, feed or topic that is open already", async () => {
    const client = await welcomed();
    client.send("open", 1, ref, null);
    client.send("open", 1, ref, null);
    client.send("sub", 1, ["project", "p", "", "t"]);
    client.send("sub", 1, ["project", "p", "", "t"]);
    await eventually(
      () => client.heard("closed").length + client.heard("unsubscribed").length === 2,
    );
    await isAlive(client);
  });
});

describe("bytes that are no message", () => {
  it.each([
    ["nothing", new Uint8Array(0)],
    ["noise", Uint8Array.from({ length: 200 }, (_, at) => (at * 37) % 256)],
    ["an array of thirty million", Uint8Array.from([0xdd, 0x01, 0xc9, 0xc3, 0x80])],
    ["a packet of no known type", Uint8Array.from([0x93, 9, 0xa1, 0x2f, 0x90])],
    ["an event without a name", Uint8Array.from([0x93, 2, 0xa1, 0x2f, 0x91, 1])],
    ["a value of another kind", Uint8Array.from([0xc0])],
    ["a million nested arrays", new Uint8Array(900_000).fill(0x91)],
  ])("%s costs that client its connection and nobody else anything", async (_what, bytes) => {
    const neighbour = await welcomed();
    const client = await welcomed();
    client.sendBytes(bytes);
    await eventually(() => client.isClosed);
    await isAlive(neighbour);
  });

  it("text, and more than the largest frame, likewise", async () => {
    const neighbour = await welcomed();
    const [texter, giant] = [await welcomed(), await welcomed()];
    texter.sendText('42["open",1]');
    giant.sendBytes(new Uint8Array(1_100_000));
    await eventually(() => texter.isClosed && giant.isClosed);
    await isAlive(neighbour);
  });

  it("a client that leaves the namespace is let go, and not listened to from then on", async () => {
    const [client, neighbour] = [await welcomed(), await welcomed()];
    client.sendBytes(Uint8Array.from([0x92, 1, 0xa1, 0x2f]));
    client.send("write", ref, [[1, "after the farewell", new Uint8Array([1]), null]]);
    await eventually(() => client.isClosed);
    neighbour.send("read", 1, ref, "after the farewell");
    await eventually(() => neighbour.heard("entry").length === 1);
    expect(neighbour.heard("entry")).toEqual([[1, null, null]]);
  });
});

describe("a client that does not read", () => {
  const value = new Uint8Array(50_000).fill(1);

  async function writer(): Promise<HubSession> {
    const session = new HubSession({
      address: new URL(hub.url),
      identity: { account_id: "writer", projects: ["p"] },
    });
    sessions.push(session);
    await session.ready();
    return session;
  }

  it("costs the hub a bounded outbox, and gets the latest of each key when it reads again", async () => {
    const session = await writer();
    const slow = await welcomed();
    slow.send("open", 1, ref, null);
    await eventually(() => slow.heard("synced").length === 1);
    const reader = new FeedProbe(session, storeRef);
    await reader.synced();
    const pausesBefore = await metric("conat_slow_readers_total");
    const bytesBefore = await metric("conat_bytes_out_total");
    slow.pause();
    let last = 0;
    // Far more than its outbox and all that two sockets' buffers can hold.
    for (let round = 0; round < 600; round += 1) {
      const key = `k${round % 10}`;
      last = (await store(session, storeRef, mutate(session, key, value))).seq;
    }
    await reader.entryAt("k9", last);
    expect(await metric("conat_slow_readers_total")).toBeGreaterThan(pausesBefore);
    const sentToReader = 600 * value.length;
    const sentToSlow = (await metric("conat_bytes_out_total")) - bytesBefore - sentToReader;
    expect(sentToSlow).toBeLessThan(sentToReader / 2);
    slow.resume();
    await eventually(() => slow.heard("reset").length === 2 && slow.heard("synced").length === 2);
    expect(slow.heard("reset")[1]?.[2]).toBe(1);
    expect(slow.heard("stale")).toHaveLength(1);
    const latest = new Map<string, number>();
    for (const [name, id, block] of slow.events) {
      if ((name !== "live" && name !== "snapshot") || !(block instanceof Uint8Array)) continue;
      expect(typeof id).toBe("number");
      for (const { key, seq } of decodeBlock(block)) {
        expect(seq).toBeGreaterThan(latest.get(key) ?? 0);
        latest.set(key, seq);
      }
    }
    expect(latest).toEqual(new Map([...reader.latest].map(([key, { seq }]) => [key, seq])));
  });

  it("is sent a large store no faster than it reads, and all of it", async () => {
    const session = await writer();
    const large = { ...storeRef, name: "large" };
    // More than the buffers of two sockets on one machine can swallow.
    for (let round = 0; round < 120; round += 1) {
      const mutations = Array.from({ length: 10 }, (_, at) =>
        mutate(session, `key-${round}-${at}`, value.subarray(0, 20_000)),
      );
      await writeAll(session, large, mutations);
    }
    const slow = await welcomed();
    const bytesBefore = await metric("conat_bytes_out_total");
    slow.pause();
    slow.send("open", 1, ["project", "p", "large", 0, ""], null);
    const total = 1_200 * 20_000;
    await eventually(async () => (await metric("conat_bytes_out_total")) > bytesBefore + 200_000);
    const sent = (await metric("conat_bytes_out_total")) - bytesBefore;
    expect(sent).toBeLessThan(total);
    slow.resume();
    await eventually(() => slow.heard("synced").length === 1);
    const keys = slow
      .heard("snapshot")
      .flatMap(([, block]) => (block instanceof Uint8Array ? decodeBlock(block) : []))
      .map(({ key }) => key);
    expect(new Set(keys).size).toBe(1_200);
  });

  it("loses the oldest messages of a topic and learns how many", async () => {
    const session = await writer();
    const topic = { scope: storeRef.scope, path: "", name: "t" };
    const slow = await welcomed();
    slow.send("sub", 7, ["project", "p", "", "t"]);
    await eventually(() => slow.heard("subscribed").length === 1);
    const reader = new TopicProbe(session, topic);
    slow.pause();
    const count = 400;
    for (let number = 0; number < count; number += 1) {
      const data = new Uint8Array(50_000);
      new DataView(data.buffer).setUint32(0, number);
      session.publish(topic, { data, origin: "" });
      await eventually(() => reader.messages.length === number + 1);
    }
    slow.resume();
    await eventually(() => slow.heard("lagged").length > 0);
    const numbers = (): number[] =>
      slow
        .heard("msg")
        .map(([, , data]) =>
          data instanceof Uint8Array
            ? new DataView(data.buffer, data.byteOffset).getUint32(0)
            : Number.NaN,
        );
    await eventually(() => numbers().at(-1) === count - 1);
    const dropped = slow.heard("lagged").reduce((sum, [, lost]) => sum + Number(lost), 0);
    expect(numbers().length + dropped).toBe(count);
    expect(numbers()).toEqual([...numbers()].sort((a, b) => a - b));
  });

  it("and sends pings is answered the last of those that wait, so that they cost the hub no memory", async () => {
    const client = await welcomed();
    const pings = Array.from({ length: 1_000 }, (_, number) => `ping ${number}`);
    client.sendPings(pings);
    await eventually(() => client.pongs.includes("ping 999"));
    expect(client.pongs[0]).toBe("ping 0");
    expect(client.pongs.length).toBeLessThan(100);
    client.sendPings(["one more"]);
    await eventually(() => client.pongs.at(-1) === "one more");
  });

  it("and keeps asking is cut off before its answers fill the hub", async () => {
    const session = await writer();
    await store(session, { ...storeRef, name: "big" }, mutate(session, "k", value));
    const greedy = await welcomed();
    greedy.pause();
    const big = ["project", "p", "big", 0, ""];
    let asked = 0;
    await eventually(
      async () => {
        for (let count = 0; count < 50; count += 1) greedy.send("read", asked++, big, "k");
        return (await metric("conat_connections")) === 1;
      },
      { timeoutMs: 20_000 },
    );
  });
});
