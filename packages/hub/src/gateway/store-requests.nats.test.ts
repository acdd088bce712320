import { afterEach, beforeAll, describe, expect, it } from "vitest";
import { HubSession } from "../../../conat/src/session/hub-session.ts";
import { eventually } from "../../../conat/src/testing/eventually.ts";
import { mutate, store } from "../../../conat/src/testing/session-probe.ts";
import { useTestNats } from "../../../conat/src/testing/use-test-nats.ts";
import { type Hub, startHub } from "../hub.ts";
import { helloOf, RawClient } from "../test-kit/raw-client.ts";

const MAX_PENDING = 2;
const identity = { project_id: "p" };
const nats = useTestNats();
const clients: RawClient[] = [];
let hub: Hub;

beforeAll(async () => {
  const limits = { maxPendingStoreRequests: MAX_PENDING };
  hub = await startHub({ port: 0, dev: true, natsUrl: nats().url, limits });
  return () => hub.close();
});
afterEach(() => {
  for (const client of clients.splice(0)) client.close();
});

async function enter(): Promise<RawClient> {
  const client = await RawClient.open(hub.url, { auth: helloOf(identity) });
  clients.push(client);
  await eventually(() => client.heard("welcome").length === 1);
  return client;
}

describe("requests about whole stores", () => {
  it.each([
    ["list", "stores", [["project", "p", "too much"]], [[], 0]],
    ["list", "stores", [["planet", "p"]], [[], 0]],
    ["list", "stores", [], [[], 0]],
    ["destroy", "destroyed", [["project", "p", "s"]], []],
    ["destroy", "destroyed", [["project", "p", "s", 2, ""]], []],
  ])("that are malformed are refused by name: %s", async (event, answer, message, head) => {
    const client = await enter();
    client.send(event, 7, ...message);
    await eventually(() => client.heard(answer).length === 1);
    expect(client.heard(answer)).toEqual([[7, ...head, ["bad-request", expect.any(String)]]]);
    client.send(event, "no id");
    client.send(event);
    client.send("list", 8, ["project", "p"]);
    await eventually(() => client.heard("stores").some(([id]) => id === 8));
  });

  it("wait in a small number; one more is refused", async () => {
    const client = await enter();
    for (let id = 1; id <= MAX_PENDING + 1; id += 1) client.send("list", id, ["project", "p"]);
    await eventually(() => client.heard("stores").length === MAX_PENDING + 1);
    expect(client.heard("stores")[0]).toMatchObject([
      MAX_PENDING + 1,
      [],
      0,
      ["limit-exceeded", expect.any(String)],
    ]);
    client.send("list", 9, ["project", "p"]);
    await eventually(() => client.heard("stores").some(([id, , , error]) => id === 9 && !error));
  });

  it("answer a long list in parts", async () => {
    const session = new HubSession({ address: new URL(hub.url), identity });
    await session.ready();
    const names = Array.from({ length: 20 }, (_, at) => `${at}`.padStart(9_000, "n"));
    const scope = { kind: "project", id: "p" } as const;
    for (const name of names) {
      const ref = { scope, name, ephemeral: true, service: "" };
      await store(session, ref, mutate(session, "k", "1"));
    }
    const client = await enter();
    client.send("list", 1, ["project", "p"]);
    await eventually(() => client.heard("stores").some(([, , more]) => more === 0));
    const parts = client.heard("stores");
    expect(parts.map(([, , more]) => more)).toEqual([1, 1, 0]);
    expect(parts.flatMap(([, stores]) => stores)).toEqual(
      names.toSorted().map((name) => [name, 1, 1]),
    );
    expect((await session.listStores(scope)).map(({ name }) => name)).toEqual(names.toSorted());
    await session.close();
  });
});
