import { afterEach, describe, expect, it } from "vitest";
import type { Client } from "../client/client.ts";
import { connect } from "../client/connect.ts";
import { setDefaultClient } from "../client/default-client.ts";
import { ConatError } from "../protocol/conat-error.ts";
import { decodeValue, encodeValue } from "../protocol/value-codec.ts";
import {
  type ScriptedConnection,
  type ScriptedHub,
  startScriptedHub,
} from "../session/test-kit/scripted-hub.ts";
import { eventually } from "../testing/eventually.ts";
import { PubSub } from "./pubsub.ts";

const cleanups: (() => void | Promise<void>)[] = [];
afterEach(async () => {
  setDefaultClient(undefined);
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function start(): Promise<{ hub: ScriptedHub; client: Client }> {
  const hub = await startScriptedHub({ welcome: false });
  cleanups.push(() => hub.stop());
  const client = connect(hub.address);
  cleanups.push(() => client.close());
  return { hub, client };
}

async function accept(hub: ScriptedHub, count = 1): Promise<ScriptedConnection> {
  const connection = await hub.connection(count);
  connection.welcome();
  return connection;
}

describe("PubSub", () => {
  it("listens on its channel and tells who sent a message", async () => {
    const { hub, client } = await start();
    const cursors = new PubSub<{ line: number }>({
      client,
      project_id: "p1",
      path: "a.md",
      name: "cursors",
    });
    const heard: [{ line: number }, boolean][] = [];
    cursors.on("change", (data, { own }) => heard.push([data, own]));
    const connection = await accept(hub);
    expect(await connection.next("sub")).toEqual([1, ["project", "p1", "a.md", "cursors"]]);
    connection.send("subscribed", 1, 5);
    connection.send("msg", 5, "somebody", encodeValue({ line: 1 }));
    connection.send("msg", 5, "", encodeValue({ line: 2 }));
    connection.send("msg", 5, `${String(connection.hello.client)}@test`, encodeValue({ line: 3 }));
    await eventually(() => heard.length === 3);
    expect(heard).toEqual([
      [{ line: 1 }, false],
      [{ line: 2 }, false],
      [{ line: 3 }, true],
    ]);
    expect(Object.isFrozen(heard[0]?.[0])).toBe(true);
  });

  it("sends what was set before the connection was up, and what is set after", async () => {
    const { hub, client } = await start();
    const channel = new PubSub({ client, account_id: "a1", name: "" });
    channel.set({ early: new Date(5) });
    const connection = await accept(hub);
    await client.ready();
    channel.set(null);
    await connection.next("pub", 2);
    const sent = connection.all("pub");
    expect(sent.map(([topic]) => topic)).toEqual([
      ["account", "a1", "", ""],
      ["account", "a1", "", ""],
    ]);
    const values = sent.map(([, data]) => decodeValue(new Uint8Array(data as Uint8Array)));
    expect(values).toEqual([{ early: new Date(5) }, null]);
  });

  it("uses the default client when it is given none", async () => {
    const { hub, client } = await start();
    setDefaultClient(client);
    new PubSub({ project_id: "p1", name: "n" });
    const connection = await accept(hub);
    await connection.next("sub");
  });

  it("that is refused emits an error, keeps it, and is closed", async () => {
    const { hub, client } = await start();
    const channel = new PubSub({ client, project_id: "foreign", name: "n" });
    const events: string[] = [];
    channel.on("error", ({ kind, message }) => events.push(`${kind}: ${message}`));
    channel.on("closed", () => events.push("closed"));
    const connection = await accept(hub);
    await connection.next("sub");
    connection.send("unsubscribed", 1, "forbidden", "not your project");
    await eventually(() => events.length === 2);
    expect(events).toEqual(["forbidden: not your project", "closed"]);
    expect(channel.error).toMatchObject({ kind: "forbidden" });
    expect(channel.closed).toBe(true);
    expect(() => channel.set(1)).toThrow(ConatError);
  });

  it("says how many messages it missed", async () => {
    const { hub, client } = await start();
    const channel = new PubSub({ client, project_id: "p1", name: "n" });
    const lagged: number[] = [];
    channel.on("lagged", (count) => lagged.push(count));
    const connection = await accept(hub);
    await connection.next("sub");
    connection.send("lagged", 1, 12);
    await eventually(() => lagged.length === 1);
    expect(lagged).toEqual([12]);
  });

  it("reports a message it cannot read, and goes on", async () => {
    const { hub, client } = await start();
    const channel = new PubSub({ client, project_id: "p1", name: "n" });
    const heard: unknown[] = [];
    channel.on("change", (data) => heard.push(data));
    const connection = await accept(hub);
    await connection.next("sub");
    connection.send("subscribed", 1, 5);
    connection.send("msg", 5, "", new Uint8Array([1, 2, 3]));
    connection.send("msg", 5, "", encodeValue("fine"));
    await eventually(() => heard.length === 1);
    expect(heard).toEqual(["fine"]);
    expect(channel.error).toMatchObject({ kind: "invalid-value" });
    expect(channel.closed).toBe(false);
  });

  it("that is closed is quiet, and can be closed again", async () => {
    const { hub, client } = await start();
    const channel = new PubSub({ client, project_id: "p1", name: "n" });
    const other = new PubSub({ client, project_id: "p1", name: "n" });
    const events: string[] = [];
    channel.on("change", () => events.push("change"));
    channel.on("closed", () => events.push("closed"));
    const heard: unknown[] = [];
    const stop = other.on("change", (data) => heard.push(data));
    const connection = await accept(hub);
    await connection.next("sub", 2);
    for (const id of [1, 2]) connection.send("subscribed", id, 5);
    channel.close();
    channel.close();
    connection.send("msg", 5, "", encodeValue(1));
    await eventually(() => heard.length === 1);
    stop();
    expect(events).toEqual(["closed"]);
    expect(channel.error).toBeUndefined();
    expect(() => channel.set(1)).toThrow("closed");
    expect(await connection.next("unsub")).toEqual([1]);
  });

  it("is closed when its client is, without an error", async () => {
    const { client } = await start();
    const channel = new PubSub({ client, project_id: "p1", name: "n" });
    const events: string[] = [];
    channel.on("closed", () => events.push("closed"));
    channel.on("error", () => events.push("error"));
    await client.close();
    expect(events).toEqual(["closed"]);
    expect(() => new PubSub({ client, project_id: "p1", name: "n" }).set(1)).toThrow("closed");
  });

  it("refuses bad input by name", async () => {
    const { client } = await start();
    expect(() => new PubSub({ client, name: "n" })).toThrow("exactly one scope");
    // @ts-expect-error as JavaScript may
    expect(() => new PubSub()).toThrow("pass an object with options");
    expect(() => new PubSub({ client, project_id: "p", account_id: "a", name: "n" })).toThrow(
      "exactly one scope",
    );
    expect(() => new PubSub({ client, project_id: "p", name: "x".repeat(20_000) })).toThrow(
      "longer than",
    );
    const channel = new PubSub({ client, project_id: "p", name: "n" });
    const thrown = (data: unknown) => {
      try {
        channel.set(data);
      } catch (error) {
        return error;
      }
    };
    expect(thrown(() => {})).toMatchObject({ kind: "not-serialisable" });
    expect(thrown("x".repeat(600_000))).toMatchObject({ kind: "value-too-large" });
  });
});
