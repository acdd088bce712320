import { dkv } from "@conat/conat";
import { eventually } from "@conat/conat/testing";
import { expect, it } from "vitest";
import { startTcpProxy } from "../tcp-proxy.ts";
import { project_id, useBench } from "./bench.ts";

const bench = useBench();

it("a hub that nats-server cuts off because it does not read gets what it has missed", async () => {
  const nats = await bench.nats({ config: ["max_pending: 9MB", 'write_deadline: "200ms"'] });
  const line = bench.later(await startTcpProxy(nats.port));
  const hub = await bench.hub({ natsUrl: `nats://127.0.0.1:${line.port}` });
  const reader = await dkv<string>({ client: bench.client(hub.url), project_id, name: "flood" });
  const writer = await dkv<string>({ client: bench.client(nats.url), project_id, name: "flood" });
  line.stall();
  const large = "x".repeat(500_000);
  let written = 0;
  while (!nats.log().includes("Slow Consumer")) {
    writer.set(`k${written}`, `${written} ${large}`);
    written += 1;
    await writer.save();
  }
  writer.set("last", "after");
  await writer.save();
  line.mend();
  await eventually(() => expect(reader.get("last")).toBe("after"));
  expect(reader.size).toBe(written + 1);
  for (const key of writer.keys()) expect(reader.seq(key)).toBe(writer.seq(key));
}, 60_000);
