import { createServer, type Server as HttpServer } from "node:http";
import type { AddressInfo } from "node:net";
import { Server, type Socket } from "socket.io";
import { afterEach, describe, expect, it } from "vitest";
import type { ConatError } from "../protocol/conat-error.ts";
import { Decoder, Encoder } from "../protocol/frame-parser.ts";
import { eventually } from "../testing/eventually.ts";
import { type HubLink, openHubLink } from "./hub-link.ts";

const servers: Server[] = [];
const links: HubLink[] = [];

afterEach(async () => {
  await Promise.all(links.splice(0).map((link) => link.close()));
  await Promise.all(servers.splice(0).map((server) => server.close()));
});

async function startServer(): Promise<{ server: Server; http: HttpServer; address: URL }> {
  const http = createServer();
  const server = new Server(http, { parser: { Encoder, Decoder }, transports: ["websocket"] });
  servers.push(server);
  await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
  const { port } = http.address() as AddressInfo;
  return { server, http, address: new URL(`http://127.0.0.1:${port}`) };
}

interface Told {
  readonly link: HubLink;
  opened: number;
  readonly messages: [string, unknown[]][];
  readonly lost: ConatError[];
}

function open(address: URL, hello: object = {}): Told {
  const messages: Told["messages"] = [];
  const lost: ConatError[] = [];
  const link = openHubLink(address, hello, {
    onOpen: () => {
      told.opened += 1;
    },
    onMessage: (event, message) => messages.push([event, message]),
    onLost: (error) => lost.push(error),
  });
  links.push(link);
  const told: Told = { link, opened: 0, messages, lost };
  return told;
}

function connection(server: Server): Promise<Socket> {
  return new Promise((resolve) => server.once("connection", resolve));
}

describe("a link", () => {
  it("says hello, and moves messages both ways", async () => {
    const { server, address } = await startServer();
    const connected = connection(server);
    const told = open(address, { v: 1 });
    const socket = await connected;
    expect(socket.handshake.auth).toEqual({ v: 1 });
    const heard = new Promise((resolve) => socket.onAny((...all) => resolve(all)));
    await eventually(() => told.opened === 1);
    told.link.send("up", [1, "two"]);
    expect(await heard).toEqual(["up", 1, "two"]);
    socket.emit("down", [3], new Uint8Array([4]));
    await eventually(() => told.messages.length === 1);
    expect(told.messages[0]?.[0]).toBe("down");
    expect(told.messages[0]?.[1][0]).toEqual([3]);
    expect(Array.from(told.messages[0]?.[1][1] as Uint8Array)).toEqual([4]);
    expect(told.lost).toEqual([]);
  });

  it("tells once why it is lost: the hub ended it", async () => {
    const { server, address } = await startServer();
    const connected = connection(server);
    const told = open(address);
    const socket = await connected;
    await eventually(() => told.opened === 1);
    socket.disconnect();
    await eventually(() => told.lost.length > 0);
    expect(told.lost.map(({ message }) => message)).toEqual([
      expect.stringContaining("the hub ended it"),
    ]);
    expect(() => told.link.send("up", [])).not.toThrow();
  });

  it.each([
    ["text", "no frame"],
    ["bytes that are no packet", Buffer.from([0xc1])],
  ])("is lost, and gone at the hub, when it is sent %s", async (_what, garbage) => {
    const { server, address } = await startServer();
    const connected = connection(server);
    const told = open(address);
    const socket = await connected;
    await eventually(() => told.opened === 1);
    const gone = new Promise((resolve) => socket.once("disconnect", resolve));
    socket.conn.write(garbage);
    await eventually(() => told.lost.length > 0);
    expect(told.lost[0]?.message).toContain("no message");
    await gone;
    expect(told.lost).toHaveLength(1);
  });

  it.each([
    [{ kind: "forbidden", message: "not you" }, "forbidden", "not you"],
    [undefined, "unavailable", "out of order"],
  ])("is lost when the hub does not let it in, with its reason: %j", async (data, kind, text) => {
    const { server, address } = await startServer();
    server.use((_socket, next) => next(Object.assign(new Error("out of order"), { data })));
    const told = open(address);
    await eventually(() => told.lost.length > 0);
    expect(told.lost[0]?.kind).toBe(kind);
    expect(told.lost[0]?.message).toContain(text);
    expect(told.opened).toBe(0);
  });

  it("is lost when nobody answers, and when who answers is no hub", async () => {
    const { server, http, address } = await startServer();
    await server.close();
    const nobody = open(address);
    await eventually(() => nobody.lost.length === 1);
    expect(nobody.lost[0]?.message).toContain("no hub answers");
    const stranger = createServer((_request, response) => response.writeHead(404).end());
    await new Promise<void>((resolve) => stranger.listen(0, "127.0.0.1", resolve));
    const { port } = stranger.address() as AddressInfo;
    const told = open(new URL(`http://127.0.0.1:${port}`));
    await eventually(() => told.lost.length === 1);
    expect(told.lost[0]?.kind).toBe("unavailable");
    expect(http.listening).toBe(false);
    await new Promise((resolve) => stranger.close(resolve));
  });

  it("that is closed before it is open tells nothing", async () => {
    const { server, address } = await startServer();
    const told = open(address);
    await told.link.close();
    const connected = connection(server);
    const other = open(address);
    await connected;
    await eventually(() => other.opened === 1);
    expect([told.opened, told.lost.length]).toEqual([0, 0]);
  });

  it("that is closed hands over what was sent before", async () => {
    const { server, address } = await startServer();
    const connected = connection(server);
    const told = open(address);
    const socket = await connected;
    await eventually(() => told.opened === 1);
    const heard: unknown[] = [];
    socket.onAny((...all) => heard.push(all));
    const reason = new Promise((resolve) => socket.once("disconnect", resolve));
    told.link.send("last", [1]);
    await told.link.close();
    expect(await reason).toBe("client namespace disconnect");
    expect(heard).toEqual([["last", 1]]);
    expect(told.lost).toEqual([]);
  });
});
