import { createEntry, type Entry, type StoreRef } from "@conat/conat/internal";
import { describe, expect, it } from "vitest";
import { decodeBlock } from "../../../conat/src/protocol/block.ts";
import { authorizeStore } from "../scope/authorize.ts";
import { accountIdentity } from "../scope/identity.ts";
import { ScopedSession } from "../scope/scoped-session.ts";
import { ScriptedSession } from "../test-kit/scripted-session.ts";
import { SharedSession } from "../upstream/shared-session.ts";
import { FeedRelay } from "./feed-relay.ts";
import type { Outbox } from "./outbox.ts";
import { StoreChannel } from "./store-fanout.ts";

const ref: StoreRef = {
  scope: { kind: "project", id: "p" },
  name: "s",
  ephemeral: false,
  service: "",
};
const identity = accountIdentity("me", ["p"]);

function put(key: string, seq: number): Entry {
  return createEntry({ key, seq, time: 1_000_000, value: new Uint8Array(1) });
}

/** A client whose feed is relayed, and what it was sent: names of events, and with them what matters. */
function setUp() {
  const inner = new ScriptedSession();
  const shared = new SharedSession(inner, { feedLingerMs: 0 });
  const story: string[] = [];
  const outbox = {
    isFull: false,
    send: (event: string, ...[, second, third]: unknown[]) => {
      if (event === "reset") story.push(third === 0 ? "reset full" : "reset delta");
      else if (event === "verified") story.push(`verified ${second}`);
      else story.push(event);
    },
    sendFrame: () => void story.push("live"),
  };
  const relay = new FeedRelay({
    id: 1,
    audience: undefined,
    channel: {
      channel: new StoreChannel("s", authorizeStore(identity, "read", ref), 1),
      feeds: 1,
      lastSent: undefined,
    },
    host: {
      session: new ScopedSession(shared, { identity, client: "client-instance-0001" }),
      outbox: outbox as unknown as Outbox,
      maxWaitingBytes: 1_000,
      onBacklog: (backlogged) => {
        while (!outbox.isFull && backlogged.advance());
      },
      onReady: () => {},
      onSlow: () => {},
      onEnded: () => {},
    },
  });
  relay.open(undefined);
  const tell = (entries: Entry[], position: number): void =>
    inner.feed.tell({ type: "entries", batch: { entries, position } });
  const load = (mode: "full" | "delta", entries: Entry[], seq: number): void => {
    inner.feed.tell({ type: "reset", mode, epoch: "e", durability: "os" });
    tell(entries, 0);
    inner.feed.tell({ type: "synced", checkpoint: { epoch: "e", seq, time: inner.time } });
  };
  /** The client reads everything, and goes on. */
  const read = async (): Promise<void> => {
    outbox.isFull = false;
    story.length = 0;
    while (relay.advance());
    await Promise.resolve();
  };
  return { inner, outbox, story, tell, load, read };
}

describe("a client that could not keep up for a moment", () => {
  it("is not told that what it had before is verified", async () => {
    const { inner, outbox, story, tell, load, read } = setUp();
    await Promise.resolve();
    load("full", [put("a", 1)], 1);
    expect(story).toEqual(["reset full", "snapshot", "synced", "verified 1"]);
    tell([put("b", 5)], 5);
    outbox.isFull = true;
    tell([put("c", 6)], 6);
    await read();
    expect(story).toEqual(["reset delta", "snapshot", "synced"]);
    inner.feed.tell({ type: "verified", seq: 6 });
    expect(story.at(-1)).toBe("verified 6");
  });

  it("gets what turned up meanwhile, and was older than what it had", async () => {
    const { inner, outbox, tell, load, read } = setUp();
    await Promise.resolve();
    load("full", [put("a", 1)], 1);
    tell([put("b", 5)], 5);
    outbox.isFull = true;
    tell([put("c", 6)], 6);
    load("delta", [put("lost", 3)], 6);
    load("full", [put("a", 1), put("lost", 3), put("b", 5), put("c", 6)], 6);
    expect(inner.feeds).toHaveLength(1);
    outbox.isFull = false;
    const told: string[] = [];
    outbox.send = (event: string, ...[, block]: unknown[]) => {
      if (event === "snapshot")
        told.push(...decodeBlock(block as Uint8Array).map(({ key }) => key));
    };
    await read();
    expect(told.sort()).toEqual(["c", "lost"]);
    expect(inner.feeds).toHaveLength(1);
  });
});
