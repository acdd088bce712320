import { afterEach, describe, expect, it } from "vitest";
import { HubSession } from "./hub-session.ts";
import { ManualEnvironment } from "./test-kit/manual-environment.ts";
import {
  type ScriptedConnection,
  type ScriptedHub,
  startScriptedHub,
} from "./test-kit/scripted-hub.ts";

const scope = { kind: "project" as const, id: "p" };
const store = { scope, name: "s", ephemeral: true, service: "" };

const hubs: ScriptedHub[] = [];
const sessions: HubSession[] = [];
afterEach(async () => {
  await Promise.all(sessions.splice(0).map((session) => session.close()));
  await Promise.all(hubs.splice(0).map((hub) => hub.stop()));
});

async function connected(
  environment?: ManualEnvironment,
): Promise<{ session: HubSession; connection: ScriptedConnection }> {
  const hub = await startScriptedHub();
  hubs.push(hub);
  const session = new HubSession({ address: new URL(hub.address), environment });
  sessions.push(session);
  await session.ready();
  return { session, connection: await hub.connection() };
}

describe("a list of stores", () => {
  it("is put together from its parts, also while another one comes", async () => {
    const { session, connection } = await connected();
    const lists = [session.listStores(scope), session.listStores(scope)];
    expect(await connection.next("list", 2)).toEqual([2, ["project", "p"]]);
    connection.send("stores", 1, [["a", 0, 1]], 1, null);
    connection.send("stores", 2, [["x", 1, 7]], 0, null);
    connection.send("stores", 1, [["b", 1, 2]], 0, null);
    expect(await Promise.all(lists)).toEqual([
      [
        { name: "a", ephemeral: false, keys: 1 },
        { name: "b", ephemeral: true, keys: 2 },
      ],
      [{ name: "x", ephemeral: true, keys: 7 }],
    ]);
  });

  it("fails for the hub's reason, and by name when the connection is lost half way", async () => {
    const { session, connection } = await connected();
    const refused = session.listStores(scope);
    await connection.next("list");
    connection.send("stores", 1, [], 0, ["forbidden", "not yours"]);
    await expect(refused).rejects.toMatchObject({ kind: "forbidden", message: "not yours" });
    const cut = expect(session.listStores(scope)).rejects.toMatchObject({ kind: "unavailable" });
    await connection.next("list", 2);
    connection.send("stores", 2, [["a", 0, 1]], 1, null);
    connection.cut();
    await cut;
  });
});

describe("destroying a store", () => {
  it("is done when the hub says so", async () => {
    const { session, connection } = await connected();
    const destroyed = [session.destroyStore(store), session.destroyStore(store)];
    expect(await connection.next("destroy")).toEqual([1, ["project", "p", "s", 1, ""]]);
    connection.send("destroyed", 1, null);
    connection.send("destroyed", 2, ["forbidden", "not yours"]);
    await destroyed[0];
    await expect(destroyed[1]).rejects.toMatchObject({ kind: "forbidden" });
  });

  it("is perhaps done when the connection is lost, and has a deadline", async () => {
    const environment = new ManualEnvironment();
    const { session, connection } = await connected(environment);
    const late = expect(session.destroyStore(store)).rejects.toMatchObject({ kind: "timeout" });
    await connection.next("destroy");
    environment.advance(30_000);
    await late;
    const cut = expect(session.destroyStore(store)).rejects.toMatchObject({ kind: "ambiguous" });
    await connection.next("destroy", 2);
    connection.cut();
    await cut;
  });
});
