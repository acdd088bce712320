import { openJetstream } from "@conat/conat/jetstream";
import { eventually } from "@conat/conat/testing";
import { expect, it } from "vitest";
import {
  FeedProbe,
  mutate,
  store,
  writeAll,
} from "../../packages/conat/src/testing/session-probe.ts";
import { startTcpProxy } from "../tcp-proxy.ts";
import { startTestCluster } from "../test-cluster.ts";
import { api, project_id, useBench } from "./bench.ts";

const bench = useBench();
const BUCKET = "KV_conat-p0";
const scope = { kind: "project", id: project_id } as const;
const ref = { scope, name: "burst", ephemeral: false, service: "" };

/** How much later the client learns what the server has done. */
const LAG_MS = 5_000;

it("a burst of which the last is refused is stored, and told so, where the bucket is replicated", async () => {
  const cluster = bench.later(await startTestCluster());
  const first = bench.later(await openJetstream({ servers: cluster.url, replicas: 3 }));
  await store(first, ref, mutate(first, "taken", "1"));
  for (const { url } of cluster.nodes) {
    const session = bench.later(await openJetstream({ servers: url }));
    await new FeedProbe(session, ref).synced();
    const burst = Array.from({ length: 1_000 }, (_, at) => mutate(session, `${url} ${at}`, "1"));
    const last = mutate(session, "taken", "2", { expectedSeq: 0 });
    const results = await writeAll(session, ref, [...burst, last]);
    expect(results.pop()).toMatchObject({ ok: false, error: { kind: "conflict" } });
    for (const result of results) expect(result).toMatchObject({ ok: true, duplicate: false });
  }
}, 60_000);

it("a write that is sent again in vain is not told to be not stored: it may be, from the first time", async () => {
  const nats = await bench.nats();
  const line = bench.later(await startTcpProxy(nats.port));
  const session = bench.later(await openJetstream({ servers: `nats://127.0.0.1:${line.port}` }));
  const feed = new FeedProbe(session, ref);
  await feed.synced();
  const observer = bench.later(await openJetstream({ servers: nats.url }));
  const burst = ["a", "b", "c"].map((key) => mutate(session, key, "1"));
  line.delay(LAG_MS);
  const answered = writeAll(session, ref, burst);
  feed.close();
  await eventually(async () => (await observer.read(ref, "c")) !== undefined);
  const { config } = (await api(nats.url, `STREAM.INFO.${BUCKET}`)) as { config: object };
  // Nobody takes writes any more.
  const elsewhere = { ...config, subjects: ["elsewhere.>"], republish: undefined };
  expect(await api(nats.url, `STREAM.UPDATE.${BUCKET}`, elsewhere)).not.toHaveProperty("error");
  line.mend();
  const results = await answered;
  expect(results.map((result) => (result.ok ? "ok" : result.error.kind))).toEqual([
    "ambiguous",
    "ambiguous",
    "ok",
  ]);
});
