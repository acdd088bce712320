import { connect, dkv } from "@conat/conat";
import { eventually, useTestNats } from "@conat/conat/testing";
import { startHub } from "@conat/hub";
import { Kvm } from "@nats-io/kv";
import { connect as connectNats } from "@nats-io/transport-node";
import { expect, it } from "vitest";

const nats = useTestNats();
const project_id = "interop";

it("a plain NATS KV client and a client of the hub see each other's values, as readable JSON", async () => {
  const hub = await startHub({ port: 0, dev: true, natsUrl: nats().url });
  const client = connect({ address: hub.url, identity: { project_id } });
  const store = await dkv<unknown>({ client, project_id, name: "shared" });
  const connection = await connectNats({ servers: nats().url });
  const bucket = await new Kvm(connection).open("conat-p0");

  store.set("a key", { from: "conat" });
  await store.save();
  expect((await bucket.get(store.natsKey("a key")))?.json()).toEqual({ from: "conat" });

  await bucket.put(store.natsKey("plain"), JSON.stringify({ from: "nats" }));
  await eventually(() => expect(store.get("plain")).toEqual({ from: "nats" }));

  await bucket.delete(store.natsKey("plain"));
  await eventually(() => expect(store.has("plain")).toBe(false));
  expect(await store.set("plain", "again", { ifSeq: store.seq("plain") }).settled()).toMatchObject({
    status: "confirmed",
  });
  await bucket.put(store.natsKey("text"), "no JSON");
  await eventually(() => expect(store.raw("text")).toBeDefined());
  expect(store.get("text")).toBeUndefined();

  await connection.close();
  await client.close();
  await hub.close();
});
