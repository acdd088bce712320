import { Writable } from "node:stream";
import { pino } from "pino";
import { expect, it } from "vitest";
import { HubSession } from "../../../conat/src/session/hub-session.ts";
import { eventually } from "../../../conat/src/testing/eventually.ts";
import { FeedProbe, mutate, store } from "../../../conat/src/testing/session-probe.ts";
import { useTestNats } from "../../../conat/src/testing/use-test-nats.ts";
import { startHub } from "../hub.ts";
import { allow, parseRules } from "../index.ts";

const nats = useTestNats();

const own = { kind: "account", id: "me" } as const;
const foreign = { kind: "account", id: "you" } as const;
const named = (scope: typeof own | typeof foreign) => ({
  scope,
  name: "s",
  ephemeral: false,
  service: "",
});

it("a hub tells how long operations take and what waits, and its audit log who was refused what and what it is set to", async () => {
  const lines: Record<string, unknown>[] = [];
  const sink = new Writable({
    write(chunk, _encoding, done) {
      lines.push(JSON.parse(String(chunk)));
      done();
    },
  });
  await using hub = await startHub({
    port: 0,
    dev: true,
    natsUrl: nats().url,
    logger: pino({ level: "info" }, sink),
  });
  const session = new HubSession({
    address: new URL(hub.url),
    identity: { account_id: "me" },
  });
  try {
    const feed = new FeedProbe(session, named(own));
    await feed.synced();
    await store(session, named(own), mutate(session, "k", "1"));
    await session.read(named(own), "k");
    await session.listStores(own);
    await session.destroyStore(named(own));
    for (let count = 0; count < 20; count += 1) {
      await expect(session.read(named(foreign), "k")).rejects.toMatchObject({ kind: "forbidden" });
    }
    await hub.setRules([allow("read", "account/*/s/**"), ...parseRules({ rules: [] })]);
    await hub.revoke({ jti: "stolen" });
    const text = await (await fetch(`${hub.url}/metrics`)).text();
    for (const operation of ["handshake", "open", "write", "read", "list", "destroy"]) {
      expect(text).toMatch(
        new RegExp(`^conat_operation_seconds_count\\{operation="${operation}"\\} [1-9]`, "m"),
      );
    }
    for (const depth of ["requests", "writes"]) {
      expect(text).toMatch(new RegExp(`^conat_pending_${depth} 0$`, "m"));
    }
    for (const name of ["waiting_feeds", "outbox_bytes", "largest_outbox_bytes"]) {
      expect(text).toMatch(new RegExp(`^conat_${name} \\d+$`, "m"));
    }
    expect(text).toContain('conat_refused_total{kind="forbidden"} 20');
  } finally {
    await session.close();
  }
  await eventually(() => lines.some(({ audit }) => audit === "revoked"));
  const kinds = lines.map(({ audit }) => audit);
  expect(kinds).toEqual(expect.arrayContaining(["config", "connect", "deny", "rules", "revoked"]));
  expect(lines.find(({ audit }) => audit === "config")).toMatchObject({ authentication: "none" });
  const denials = lines.filter(({ audit }) => audit === "deny");
  expect(JSON.stringify(denials)).toContain("may not read in scope account/you");
  // All are counted above; who keeps trying does not fill the log.
  expect(denials.length).toBeLessThan(20);
});
