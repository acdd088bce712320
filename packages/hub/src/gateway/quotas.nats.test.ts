import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { afterEach, describe, expect, it } from "vitest";
import { valueBytes } from "../../../conat/src/protocol/entry.ts";
import type { StoreRef } from "../../../conat/src/protocol/scope.ts";
import { HubSession } from "../../../conat/src/session/hub-session.ts";
import { eventually } from "../../../conat/src/testing/eventually.ts";
import { FeedProbe, mutate, textOf, writeAll } from "../../../conat/src/testing/session-probe.ts";
import { useTestNats } from "../../../conat/src/testing/use-test-nats.ts";
import { type Hub, startHub } from "../hub.ts";
import { helloOf, RawClient } from "../test-kit/raw-client.ts";
import type { GatewayLimits } from "./limits.ts";

const nats = useTestNats();
const toClose: { close(): unknown }[] = [];

afterEach(async () => {
  await Promise.all(toClose.splice(0).map((one) => one.close()));
});

async function start(limits: Partial<GatewayLimits>, trustedProxies = 0): Promise<Hub> {
  const hub = await startHub({
    port: 0,
    dev: true,
    natsUrl: nats().url,
    limits,
    trustedProxies,
    logger: "silent",
  });
  toClose.push(hub);
  return hub;
}

async function enter(hub: Hub, account_id = "me", headers = {}): Promise<RawClient> {
  const auth = helloOf({ account_id, projects: ["p"] });
  const client = await RawClient.open(hub.url, { auth, headers });
  toClose.unshift(client);
  await eventually(() => client.heard("welcome").length === 1 || client.refusal !== undefined);
  return client;
}

setFlagsFromString("--expose_gc");
const collectGarbage: () => void = runInNewContext("gc");

const wire = ["project", "p", "s", 0, ""];
const ref: StoreRef = {
  scope: { kind: "project", id: "p" },
  name: "limits",
  ephemeral: false,
  service: "",
};

async function limited(hub: Hub): Promise<Record<string, number>> {
  const text = await (await fetch(`${hub.url}/metrics`)).text();
  const lines = [...text.matchAll(/^conat_limited_total\{limit="([^"]+)"\} (\d+)$/gm)];
  return Object.fromEntries(lines.map(([, limit = "", count]) => [limit, Number(count)]));
}

describe("more messages than a limit allows", () => {
  it.each<[string, Partial<GatewayLimits>, string]>([
    ["a connection", { maxMessageRate: 20 }, "connection-messages"],
    ["an identity", { maxIdentityMessageRate: 20 }, "identity-messages"],
    ["an address", { maxAddressMessageRate: 20 }, "address-messages"],
    ["a connection's bytes", { maxByteRate: 1_000 }, "connection-bytes"],
    ["an identity's bytes", { maxIdentityByteRate: 1_000 }, "identity-bytes"],
    ["an address's bytes", { maxAddressByteRate: 1_000 }, "address-bytes"],
  ])("of %s are each answered by name, and later ones go through", async (_what, limits, name) => {
    const hub = await start(limits);
    const client = await enter(hub);
    let asked = 0;
    const refusals = ["entry", "nack", "closed", "unsubscribed"] as const;
    await eventually(() => {
      for (let count = 0; count < 50; count += 1) client.send("read", asked++, wire, "k");
      client.send("write", wire, [[asked++, "k", new Uint8Array([0x31]), null]]);
      client.send("open", asked++, wire, null);
      client.send("sub", asked++, ["project", "p", "", "t"]);
      return refusals.every((event) =>
        client.heard(event).some((message) => JSON.stringify(message).includes("per second")),
      );
    });
    const refused = client.heard("entry").find(([, , refusal]) => refusal !== null);
    expect(refused?.[2]).toEqual(["unavailable", expect.stringMatching(/per second/)]);
    expect((await limited(hub))[name]).toBeGreaterThan(10);
    const from = asked;
    await eventually(() => {
      client.send("read", asked++, wire, "k");
      return client
        .heard("entry")
        .some(([id, , refusal]) => Number(id) >= from && refusal === null);
    });
  });

  it("only slow a client down: everything it writes and opens gets there", async () => {
    const hub = await start({ maxMessageRate: 15 });
    const session = new HubSession({
      address: new URL(hub.url),
      identity: { account_id: "me", projects: ["p"] },
    });
    toClose.unshift(session);
    await session.ready();
    const feeds = Array.from(
      { length: 60 },
      (_, at) => new FeedProbe(session, { ...ref, name: `s${at}` }),
    );
    await eventually(() => feeds.every((feed) => feed.types.includes("synced")), {
      timeoutMs: 20_000,
    });
    expect(feeds.some((feed) => feed.types.includes("stale"))).toBe(true);
    expect(feeds.some((feed) => feed.types.includes("closed"))).toBe(false);
    await eventually(async () => {
      const [result] = await writeAll(session, ref, [mutate(session, "k", "v")]);
      return result?.ok === true;
    });
  });
});

describe("too many at once", () => {
  it("connections of one identity are turned away for now, those of others are not", async () => {
    const hub = await start({ maxIdentityConnections: 2 });
    const clients = [await enter(hub), await enter(hub)];
    const refused = await enter(hub);
    expect(refused.refusal).toMatchObject({ data: { kind: "unavailable" } });
    expect((await enter(hub, "you")).refusal).toBeUndefined();
    clients[0]?.close();
    await eventually(async () => (await enter(hub)).refusal === undefined);
    expect(await limited(hub)).toMatchObject({ "identity-connections": expect.any(Number) });
  });

  it("connections and attempts from one address are turned away for now, by the address a trusted proxy saw", async () => {
    const hub = await start({ maxAddressConnections: 1, maxAddressHandshakeRate: 2 }, 1);
    const from = (address: string) =>
      enter(hub, "me", { "X-Forwarded-For": `6.6.6.6, ${address}` });
    expect((await from("1.1.1.1")).refusal).toBeUndefined();
    expect((await from("2.2.2.2")).refusal).toBeUndefined();
    const second = await from("1.1.1.1");
    expect(second.refusal).toMatchObject({
      data: { kind: "unavailable", message: expect.stringMatching(/connections from one address/) },
    });
    const refusals: unknown[] = [];
    for (let count = 0; count < 8; count += 1) refusals.push((await from("3.3.3.3")).refusal);
    expect(JSON.stringify(refusals)).toMatch(/attempts to connect per second/);
  });

  it("connections that do not say who they are are turned away before they cost anything, and make room when they go or say it", async () => {
    const hub = await start({ maxAddressWaiting: 2 });
    const silent = [];
    for (let count = 0; count < 2; count += 1) {
      silent.push(await RawClient.open(hub.url, { silent: true }));
    }
    toClose.unshift(...silent);
    await expect(RawClient.open(hub.url, { silent: true })).rejects.toThrow("refused");
    expect(await limited(hub)).toMatchObject({ "address-waiting": 1 });
    silent[0]?.close();
    const entered = await eventually(() => enter(hub));
    expect(entered.refusal).toBeUndefined();
    // Who has come in does not wait any more.
    expect((await enter(hub)).refusal).toBeUndefined();
  });

  it("stores and subscriptions of one identity, over its connections, are refused by name and given back", async () => {
    const hub = await start({ maxIdentityOpenStores: 2, maxIdentitySubscriptions: 1 });
    const [one, two] = [await enter(hub), await enter(hub)];
    const named = (name: string) => ["project", "p", name, 0, ""];
    one.send("open", 1, named("a"), null);
    one.send("open", 2, named("b"), null);
    await eventually(() => one.heard("synced").length === 2);
    two.send("open", 1, named("c"), null);
    one.send("sub", 1, ["project", "p", "", "t"]);
    await eventually(() => one.heard("subscribed").length === 1);
    two.send("sub", 1, ["project", "p", "", "u"]);
    await eventually(
      () => two.heard("closed").length === 1 && two.heard("unsubscribed").length === 1,
    );
    expect(two.heard("closed")[0]?.[1]).toBe("limit-exceeded");
    expect(two.heard("unsubscribed")[0]?.[1]).toBe("limit-exceeded");
    one.close();
    let id = 1;
    await eventually(() => {
      id += 1;
      two.send("open", id, named("c"), null);
      two.send("sub", id, ["project", "p", "", "u"]);
      return two.heard("synced").length > 0 && two.heard("subscribed").length > 0;
    });
  });
});

it("a hundred readers that never read do not make the hub grow, and hold up nobody", async () => {
  const maxOutboxBytes = 100_000;
  const hub = await start({ maxOutboxBytes, snapshotWindowBytes: 50_000 });
  const writer = new HubSession({
    address: new URL(hub.url),
    identity: { account_id: "w", projects: ["p"] },
  });
  toClose.unshift(writer);
  await writer.ready();
  const busy: StoreRef = { ...ref, name: "busy" };
  const readers: RawClient[] = [];
  for (let count = 0; count < 100; count += 1) {
    const reader = await enter(hub);
    reader.pause();
    reader.send("open", 1, ["project", "p", "busy", 0, ""], null);
    readers.push(reader);
  }
  let last = "";
  const healthy = writer.openStore(busy, (event) => {
    if (event.type !== "entries") return;
    for (const entry of event.batch.entries) last = textOf(valueBytes(entry)).slice(0, 4);
  });
  const text = "x".repeat(20_000);
  const fill = async (rounds: number, from: number): Promise<void> => {
    for (let round = 0; round < rounds; round += 1) {
      const mutations = Array.from({ length: 10 }, (_, key) =>
        mutate(writer, `k${key}`, `${from + round}${text}`),
      );
      await writeAll(writer, busy, mutations);
    }
  };
  const bytesInUse = (): number => {
    collectGarbage();
    const { heapUsed, external } = process.memoryUsage();
    return heapUsed + external;
  };
  /** What stays: buffers that were collected are freed, and counted as such, a while later. */
  const bytesHeld = async (): Promise<number> => {
    let least = bytesInUse();
    await eventually(() => {
      const last = least;
      least = Math.min(least, bytesInUse());
      return least === last;
    });
    return least;
  };
  // More than the system's own buffers take, so that from here on everybody's outbox is full.
  await fill(80, 0);
  const before = await bytesHeld();
  // To each of a hundred readers 30 MB more: 3 GB if they were kept.
  await fill(150, 1_000);
  await eventually(() => last === "1149");
  healthy.close();
  const grown = (await bytesHeld()) - before;
  expect(grown).toBeLessThan(30_000_000);
}, 60_000);
