import { afterEach, expect, it } from "vitest";
import { encodeBlock } from "../protocol/block.ts";
import { createEntry, type Entry } from "../protocol/entry.ts";
import { IN_FLIGHT_WINDOW } from "../protocol/limits.ts";
import { encodeValue } from "../protocol/value-codec.ts";
import { HubSession } from "../session/hub-session.ts";
import {
  type ScriptedConnection,
  type ScriptedHub,
  startScriptedHub,
} from "../session/test-kit/scripted-hub.ts";
import { eventually } from "../testing/eventually.ts";
import type { DKV } from "./dkv.ts";
import { dkv } from "./open-dkv.ts";

const EPOCH = "e1";
const cleanups: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

/** The hub serves the feed that the client asks for next: from a checkpoint what is given here, else all of it. */
async function serve(connection: ScriptedConnection, entries: Entry[], seq: number): Promise<void> {
  const [feed, , since] = await connection.next("open");
  connection.send("reset", feed, 1, since === null ? 0 : 1, EPOCH, "os");
  if (entries.length > 0) connection.send("snapshot", feed, encodeBlock(entries));
  connection.send("synced", feed, [EPOCH, seq, 1_000 + seq]);
}

function entry(seq: number, value: number, origin = "somebody", write = 0): Entry {
  return createEntry({
    key: "n",
    seq,
    time: 1_000 + seq,
    value: encodeValue(value),
    origin,
    write,
  });
}

/** A store with a write that is acknowledged as 11, and whose entry has not come. */
async function acknowledged(): Promise<{
  hub: ScriptedHub;
  connection: ScriptedConnection;
  session: HubSession;
  store: DKV<number>;
  shown: (number | undefined)[];
}> {
  const hub = await startScriptedHub();
  cleanups.push(() => hub.stop());
  const session = new HubSession({ address: new URL(hub.address) });
  cleanups.push(() => session.close());
  const opening = dkv<number>({ client: { session }, project_id: "p", name: "s" });
  const connection = await hub.connection();
  await serve(connection, [entry(10, 0)], 10);
  const store = await opening;
  const shown: (number | undefined)[] = [];
  store.subscribeKey("n", () => shown.push(store.get("n")));
  store.set("n", 1);
  const [, [[write] = []] = []] = (await connection.next("write")) as [unknown, [number][]];
  connection.send("ack", [write, 11], []);
  await store.save();
  return { hub, connection, session, store, shown };
}

it("an acknowledged write is shown until its entry comes, though older entries come first", async () => {
  const { connection, store, shown } = await acknowledged();
  const changes: unknown[] = [];
  store.on("change", ({ value, seq, pending }) => changes.push([value, seq, pending]));
  expect([store.get("n"), store.seq("n"), store.hasUnsavedChanges()]).toEqual([1, 11, false]);
  connection.send("live", 1, encodeBlock([entry(10, 0)]), 10);
  connection.send("live", 1, encodeBlock([entry(12, 2)]), 12);
  await eventually(() => store.get("n") === 2);
  expect(changes).toEqual([[2, 12, false]]);
  expect(shown).not.toContain(0);
});

it("a full window of writes whose answers were lost is sent again, and then the rest", async () => {
  const { hub, connection, store } = await acknowledged();
  const count = IN_FLIGHT_WINDOW + 10;
  for (let at = 0; at < count; at += 1) store.set(`k${at}`, at);
  const sentOver = (one: ScriptedConnection): number =>
    (one.all("write") as [unknown, unknown[]][]).reduce((sum, [, sent]) => sum + sent.length, 0);
  await eventually(() => sentOver(connection) === 1 + IN_FLIGHT_WINDOW);
  connection.cut();
  const next = await hub.connection(2);
  await serve(next, [entry(11, 1)], 11);
  await eventually(() => sentOver(next) === IN_FLIGHT_WINDOW);
  let seq = 11;
  let answered = 0;
  await eventually(() => {
    const writes = (next.all("write") as [unknown, [number][]][]).flatMap(([, sent]) => sent);
    for (const [write] of writes.slice(answered)) {
      seq += 1;
      next.send("ack", [write, seq], []);
    }
    answered = writes.length;
    return !store.hasUnsavedChanges();
  });
  expect(answered).toBe(count);
});

it("an acknowledged write is still shown after a reconnect to a hub that has not heard of it yet", async () => {
  const { hub, connection, store, shown } = await acknowledged();
  connection.cut();
  const next = await hub.connection(2);
  await serve(next, [], 10);
  await eventually(() => store.status === "live");
  expect(store.get("n")).toBe(1);
  next.send("live", 1, encodeBlock([entry(11, 1)]), 11);
  await eventually(() => store.time("n") === 1_011);
  expect(store.get("n")).toBe(1);
  expect(shown).not.toContain(0);
});

it("who is told the entry of a write before its answer can wait for how the write ends", async () => {
  const { connection, session, store } = await acknowledged();
  const outcomes: unknown[] = [];
  store.on("change", ({ key }) => void store.settled(key).then((end) => outcomes.push(end)));
  store.set("n", 2);
  const [, [[write] = []] = []] = (await connection.next("write", 2)) as [unknown, [number][]];
  connection.send("live", 1, encodeBlock([entry(12, 2, session.origin, write)]), 12);
  await eventually(() => outcomes.length > 0);
  expect(outcomes).toEqual([{ status: "confirmed", seq: 12 }]);
});
