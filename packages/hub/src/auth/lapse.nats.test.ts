import { afterEach, expect, it } from "vitest";
import type { StoreRef } from "../../../conat/src/protocol/scope.ts";
import { HubSession } from "../../../conat/src/session/hub-session.ts";
import { eventually } from "../../../conat/src/testing/eventually.ts";
import { FeedProbe, mutate, store } from "../../../conat/src/testing/session-probe.ts";
import { startTestNats } from "../../../conat/src/testing/test-nats.ts";
import { startHub } from "../hub.ts";

const toClose: { close(): Promise<unknown> }[] = [];
afterEach(async () => {
  for (const one of toClose.splice(0)) await one.close();
});

it("a hub that is cut off for longer than its lease serves nobody, and is back when NATS is", async () => {
  const nats = await startTestNats();
  const hub = await startHub({
    port: 0,
    dev: true,
    natsUrl: nats.url,
    leaseMs: 2_000,
    logger: "silent",
  });
  toClose.push({ close: () => hub.close() }, { close: () => nats.stop() });
  const enter = (): HubSession => {
    const session = new HubSession({ address: new URL(hub.url), identity: { project_id: "p" } });
    toClose.unshift(session);
    return session;
  };
  const session = enter();
  const ref: StoreRef = {
    scope: { kind: "project", id: "p" },
    name: "s",
    ephemeral: false,
    service: "",
  };
  const feed = new FeedProbe(session, ref);
  await feed.synced();
  await nats.kill();
  await eventually(() => session.status.error?.message.includes("lost NATS") === true, {
    timeoutMs: 10_000,
  });
  const newcomer = enter();
  await eventually(() => newcomer.status.error !== undefined);
  expect(newcomer.status.error).toMatchObject({ kind: "unavailable" });
  await nats.restart();
  await Promise.all([session.ready(), newcomer.ready()]);
  await store(session, ref, mutate(session, "k", "v"));
  await eventually(() => feed.textOf("k") === "v");
  expect(feed.types).not.toContain("closed");
}, 60_000);
