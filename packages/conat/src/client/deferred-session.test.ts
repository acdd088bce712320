import { afterEach, describe, expect, it } from "vitest";
import { ConatError } from "../protocol/conat-error.ts";
import type { StoreRef, TopicRef } from "../protocol/scope.ts";
import { HubSession } from "../session/hub-session.ts";
import type { FeedEvent, Session, WriteResult } from "../session/session.ts";
import { ManualEnvironment } from "../session/test-kit/manual-environment.ts";
import { type ScriptedHub, startScriptedHub } from "../session/test-kit/scripted-hub.ts";
import { eventually } from "../testing/eventually.ts";
import { DeferredSession } from "./deferred-session.ts";

const store: StoreRef = {
  scope: { kind: "project", id: "p1" },
  name: "build",
  ephemeral: false,
  service: "",
};
const topic: TopicRef = { scope: store.scope, path: "", name: "cursors" };
const data = new Uint8Array([49]);
const OPTIONS = { renewable: false, connectTimeoutMs: 5_000 };

const cleanups: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

/** A session whose opening waits until the test lets it succeed or fail. */
async function deferred(): Promise<{
  hub: ScriptedHub;
  session: DeferredSession;
  environment: ManualEnvironment;
  attempts: (() => number) & {};
  succeed(): Promise<void>;
  fail(error: Error): Promise<void>;
}> {
  const hub = await startScriptedHub();
  cleanups.push(() => hub.stop());
  const environment = new ManualEnvironment();
  const waiting: { resolve(session: Session): void; reject(error: Error): void }[] = [];
  let count = 0;
  const open = (): Promise<Session> => {
    count += 1;
    return new Promise((resolve, reject) => waiting.push({ resolve, reject }));
  };
  const session = new DeferredSession(environment, open, OPTIONS);
  cleanups.push(() => session.close());
  const next = () => eventually(() => waiting.shift() ?? false).then((one) => one || undefined);
  return {
    hub,
    session,
    environment,
    attempts: () => count,
    async succeed() {
      const inner = new HubSession({ address: new URL(hub.address) });
      cleanups.push(() => inner.close());
      await inner.ready();
      (await next())?.resolve(inner);
    },
    async fail(error) {
      (await next())?.reject(error);
    },
  };
}

function watch(session: Session) {
  const events: FeedEvent[] = [];
  const feed = session.openStore(store, (event) => events.push(event));
  const closed: ConatError[] = [];
  const subscription = session.subscribe(topic, {
    onMessage: () => {},
    onLagged: () => {},
    onClosed: (error) => closed.push(error),
  });
  return { events, feed, closed, subscription };
}

describe("a session that is still being opened", () => {
  it("hands over what was opened and published meanwhile, once it is", async () => {
    const { hub, session, succeed } = await deferred();
    expect(session.status).toMatchObject({ state: "connecting", attempt: 1 });
    expect(session.origin).toBe("");
    const first = session.nextWrite();
    watch(session);
    const gone = watch(session);
    gone.feed.close();
    gone.subscription.close();
    session.publish(topic, { data, origin: "" });
    const read = session.read(store, "a");
    const result = await new Promise<WriteResult>((resolve) => {
      session.write(
        store,
        [
          {
            key: "a",
            value: data,
            origin: "",
            write: first,
            expectedSeq: undefined,
            ttlMs: 0,
            headers: undefined,
          },
        ],
        resolve,
      );
    });
    expect(result).toMatchObject({ write: first, ok: false, error: { kind: "unavailable" } });
    const states: string[] = [];
    session.onStatus(({ state }) => states.push(state));
    await succeed();
    await session.ready();
    expect(states).toEqual(["ready"]);
    expect(session.origin).not.toBe("");
    expect(session.nextWrite()).toBeGreaterThan(first);
    const connection = await hub.connection();
    await connection.next("pub");
    const events = connection.sent.map(([event]) => event).filter((event) => event !== "read");
    expect(events).toEqual(["open", "sub", "pub"]);
    await connection.next("read");
    connection.send("entry", 1, null, null);
    expect(await read).toBeUndefined();
  });

  it("follows the status of the one it stands for, and closes with it", async () => {
    const { hub, session, succeed } = await deferred();
    await succeed();
    await session.ready();
    const states: string[] = [];
    session.onStatus(({ state }) => states.push(state));
    (await hub.connection()).cut();
    await hub.connection(2);
    await eventually(() => states.at(-1) === "ready");
    expect(states).toEqual(["connecting", "handshaking", "ready"]);
    const { events, closed } = watch(session);
    await session.close();
    expect(session.status.state).toBe("closed");
    expect(events).toMatchObject([{ type: "closed", error: { kind: "closed" } }]);
    expect(closed).toMatchObject([{ kind: "closed" }]);
  });

  it("is tried again while that can help", async () => {
    const { session, environment, attempts, succeed, fail } = await deferred();
    await fail(new ConatError("unavailable", "no NATS there"));
    await eventually(() => attempts() === 2);
    await fail(new ConatError("unavailable", "still none"));
    await eventually(() => session.status.state === "waiting");
    expect(session.status.error?.message).toBe("still none");
    environment.advance(1_000);
    await succeed();
    await session.ready();
  });

  it("is refused where it cannot, and everything opened on it learns why", async () => {
    const { session, fail } = await deferred();
    const early = watch(session);
    const refusal = { kind: "server-too-old", message: "this is 2.10" };
    await fail(new ConatError("server-too-old", "this is 2.10"));
    await expect(session.ready()).rejects.toMatchObject(refusal);
    const late = watch(session);
    await eventually(() => late.closed.length === 1 && late.events.length === 1);
    for (const { events, closed } of [early, late]) {
      expect(events).toMatchObject([{ type: "closed", error: refusal }]);
      expect(closed).toMatchObject([refusal]);
    }
    await expect(session.read(store, "a")).rejects.toMatchObject(refusal);
  });

  it("that is closed meanwhile closes what is opened too late", async () => {
    const { hub, session, succeed, environment } = await deferred();
    await eventually(() => environment.pendingTimers.length === 1);
    await session.close();
    await succeed();
    const connection = await hub.connection();
    await eventually(() => !connection.open);
    await expect(session.ready()).rejects.toMatchObject({ kind: "closed" });
    expect(environment.pendingTimers).toEqual([]);
  });
});
