import { type Client, type ConatError, connect, PubSub } from "@conat/conat";
import { eventually, useTestNats } from "@conat/conat/testing";
import { type Hub, startHub } from "@conat/hub";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";

const project_id = "6a4b-project";

describe("a PubSub channel", () => {
  const nats = useTestNats();
  const hubs: Hub[] = [];
  const clients: Client[] = [];

  beforeAll(async () => {
    for (let count = 0; count < 2; count += 1) {
      hubs.push(await startHub({ port: 0, dev: true, natsUrl: nats().url }));
    }
  });
  afterAll(async () => {
    await Promise.all(hubs.map((hub) => hub.close()));
  });
  afterEach(async () => {
    await Promise.all(clients.splice(0).map((client) => client.close()));
  });

  function open(address: string | undefined): Client {
    const client = connect({ address, identity: { account_id: "alice", projects: [project_id] } });
    clients.push(client);
    return client;
  }

  /** What arrives on a channel, as `data` or `own data`. */
  function listen(channel: PubSub<string>): string[] {
    const heard: string[] = [];
    channel.on("change", (data, { own }) => heard.push(own ? `own ${data}` : data));
    return heard;
  }

  it("joins browsers at different hubs and a backend at NATS", async () => {
    const channels = [hubs[0]?.url, hubs[1]?.url, nats().url].map(
      (address) =>
        new PubSub<string>({ client: open(address), project_id, path: "a.md", name: "chat" }),
    );
    const heard = channels.map(listen);
    // Late joiners see nothing: say hello until all have come.
    await eventually(() => {
      channels[0]?.set("hello");
      return heard.every(({ length }) => length > 0);
    });
    for (const [at, channel] of channels.entries()) channel.set(`from ${at}`);
    for (const [at, texts] of heard.entries()) {
      const expected = [0, 1, 2].map((from) => `${from === at ? "own " : ""}from ${from}`);
      await eventually(() => {
        const said = texts.filter((text) => !text.includes("hello"));
        expect(said.toSorted()).toEqual(expected.toSorted());
      });
    }
  });

  it("is another one under another name, path or scope", async () => {
    const client = open(hubs[0]?.url);
    const others = [
      new PubSub<string>({ client, project_id, name: "other" }),
      new PubSub<string>({ client, project_id, path: "p", name: "chat" }),
      new PubSub<string>({ client, account_id: "alice", name: "chat" }),
    ].map(listen);
    const channel = new PubSub<string>({ client, project_id, name: "chat" });
    const heard = listen(channel);
    channel.set("only here");
    await eventually(() => heard.length === 1);
    expect(heard).toEqual(["own only here"]);
    expect(others).toEqual([[], [], []]);
  });

  it("of a project one is not in is refused by an event, not by a rejection", async () => {
    const channel = new PubSub({ client: open(hubs[0]?.url), project_id: "foreign", name: "chat" });
    const refused = await new Promise<ConatError>((resolve) => channel.on("error", resolve));
    expect(refused.kind).toBe("forbidden");
    expect(channel.closed).toBe(true);
  });

  it("goes on when its hub comes back, and then sends what was set meanwhile", async () => {
    const hub = await startHub({ port: 0, dev: true, natsUrl: nats().url });
    hubs.push(hub);
    const client = open(hub.url);
    const mine = new PubSub<string>({ client, project_id, name: "returning" });
    const theirs = new PubSub<string>({
      client: open(hubs[0]?.url),
      project_id,
      name: "returning",
    });
    const [heard, heardThere] = [listen(mine), listen(theirs)];
    await eventually(() => {
      mine.set("hello");
      return heard.length > 0 && heardThere.length > 0;
    });
    await hub.close();
    await eventually(() => client.status.state !== "ready");
    mine.set("while away");
    hubs.push(await startHub({ port: hub.port, dev: true, natsUrl: nats().url }));
    await eventually(() => heard.includes("own while away") && heardThere.includes("while away"));
    theirs.set("welcome back");
    await eventually(() => heard.includes("welcome back"));
    expect(mine.error).toBeUndefined();
  });
});
