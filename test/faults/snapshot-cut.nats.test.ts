import { type DKV, dkv } from "@conat/conat";
import { eventually } from "@conat/conat/testing";
import { describe, expect, it } from "vitest";
import { startTcpProxy } from "../tcp-proxy.ts";
import { api, project_id, useBench } from "./bench.ts";

const bench = useBench();
const BUCKET = "KV_conat-p0";

/** Keys and bytes of a value: some ten frames of a snapshot. */
const KEYS = 2_000;
const VALUE = "x".repeat(1_000);

/** Where the line breaks, in bytes from the server: in the handshake, early and late in the snapshot. */
const CUTS = [200, 100_000, 700_000, 1_500_000];

function fill(store: DKV<string>, round: string): Promise<void> {
  for (let key = 0; key < KEYS; key += 1) store.set(`k${key}`, `${round} ${VALUE}`);
  return store.save();
}

/** What is wrong with the versions a store is told: one twice, or an older one later. */
function watchOrder(store: DKV<string>): string[] {
  const newest = new Map<string, number>();
  const flaws: string[] = [];
  store.on("change", ({ key, seq }) => {
    if (seq <= (newest.get(key) ?? 0)) flaws.push(`${key} at ${seq} after ${newest.get(key)}`);
    newest.set(key, seq);
  });
  return flaws;
}

describe("a line that breaks in the middle of a snapshot", { timeout: 120_000 }, () => {
  it("of a store that is being opened only makes it open later", async () => {
    const nats = await bench.nats();
    const hub = await bench.hub({ natsUrl: nats.url });
    const line = bench.later(await startTcpProxy(hub.port));
    const options = { project_id, name: "large" };
    const writer = await dkv<string>({ client: bench.client(nats.url), ...options });
    await fill(writer, "first");
    for (const bytes of CUTS) {
      const client = bench.client(`http://127.0.0.1:${line.port}`);
      line.cutAfter(bytes);
      const states: string[] = [];
      client.onStatus(({ state }) => states.push(state));
      const opening = dkv<string>({ client, ...options, timeoutMs: 60_000 });
      await eventually(() => states.includes("waiting") && line.isCut);
      writer.delete(`k${bytes % KEYS}`);
      writer.set("late", String(bytes));
      await writer.save();
      line.mend();
      const store = await opening;
      expect(store.get()).toEqual(writer.get());
      await client.close();
    }
  });

  it("that tells of another history leaves no key of the old one behind, and reports once what is lost", async () => {
    const nats = await bench.nats();
    const hub = await bench.hub({ natsUrl: nats.url });
    const line = bench.later(await startTcpProxy(hub.port));
    const options = { project_id, name: "large" };
    const writer = await dkv<string>({ client: bench.client(nats.url), ...options });
    const reader = await dkv<string>({
      client: bench.client(`http://127.0.0.1:${line.port}`),
      ...options,
    });
    const watcher = await dkv<string>({ client: bench.client(hub.url), ...options });
    await fill(writer, "first");
    reader.set("mine", "acknowledged");
    await reader.save();
    await eventually(() => expect(reader.size).toBe(KEYS + 1));
    // As a backup has it that is restored again and again.
    const { config } = await api(nats.url, `STREAM.INFO.${BUCKET}`);
    const lost: string[] = [];
    reader.on("lost", ({ key }) => lost.push(key));
    for (const bytes of [100_000, 700_000]) {
      line.cut();
      await eventually(() => reader.status === "stale");
      await api(nats.url, `STREAM.DELETE.${BUCKET}`);
      await api(nats.url, `STREAM.CREATE.${BUCKET}`, Object(config));
      await fill(writer, String(bytes));
      await eventually(
        () => {
          expect(writer.has("mine")).toBe(false);
          expect(watcher.get()).toEqual(writer.get());
        },
        { timeoutMs: 60_000 },
      );
      line.mend();
      line.cutAfter(bytes);
      await eventually(() => line.isCut);
      writer.delete("k0");
      await writer.save();
      line.mend();
      await eventually(() => expect(reader.status).toBe("live"));
      const flaws = watchOrder(reader);
      await eventually(() => expect(reader.get()).toEqual(writer.get()), { timeoutMs: 60_000 });
      expect(flaws).toEqual([]);
    }
    expect(lost).toEqual(["mine"]);
  });
});
