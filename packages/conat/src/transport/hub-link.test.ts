import { createServer, type Server as HttpServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import { Server, type ServerOptions, type Socket } from "socket.io";
import { afterEach, describe, expect, it, vi } from "vitest";
import { WebSocketServer } from "ws";
import type { ConatError } from "../protocol/conat-error.ts";
import { Decoder, Encoder } from "../protocol/frame-parser.ts";
import { eventually } from "../testing/eventually.ts";
import { type HubLink, openHubLink } from "./hub-link.ts";

const servers: Server[] = [];
const links: HubLink[] = [];

afterEach(async () => {
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
  await Promise.all(links.splice(0).map((link) => link.close()));
  await Promise.all(servers.splice(0).map((server) => server.close()));
});

async function startServer(
  options: Partial<ServerOptions> = {},
): Promise<{ server: Server; http: HttpServer; address: URL }> {
  const http = createServer();
  const server = new Server(http, {
    parser: { Encoder, Decoder },
    transports: ["websocket"],
    ...options,
  });
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

  it("is lost when what answers speaks WebSocket but is no hub", async () => {
    const { http, address } = await startServer({ path: "/elsewhere" });
    const strangers = new WebSocketServer({ server: http, path: "/socket.io/" });
    strangers.on("connection", (socket) => socket.send("welcome"));
    const told = open(address);
    await eventually(() => told.lost.length > 0);
    expect(told.lost[0]?.message).toContain("no handshake");
    expect(told.opened).toBe(0);
  });

  it("answers the hub's pings for as long as it stands", async () => {
    const { server, address } = await startServer({ pingInterval: 10, pingTimeout: 1_000 });
    const connected = connection(server);
    const told = open(address);
    const socket = await connected;
    let answers = 0;
    socket.conn.on("packet", ({ type }) => {
      if (type === "pong") answers += 1;
    });
    await eventually(() => answers === 3);
    expect(told.lost).toEqual([]);
  });

  it("of a device that slept through pings is lost as soon as something is to be sent", async () => {
    const { server, address } = await startServer();
    const connected = connection(server);
    const told = open(address);
    const heard: unknown[] = [];
    (await connected).onAny((...all) => heard.push(all));
    await eventually(() => told.opened === 1);
    const morning = Date.now() + 8 * 3_600_000;
    vi.spyOn(Date, "now").mockReturnValue(morning);
    told.link.send("up", []);
    expect(told.lost).toEqual([]);
    await eventually(() => told.lost.length === 1);
    expect(told.lost[0]?.message).toContain("ping timeout");
    await eventually(() => server.sockets.sockets.size === 0);
    expect(heard).toEqual([]);
  });

  it("is lost when the device goes offline, unless it leads to the device itself", async () => {
    const device = new EventTarget();
    vi.stubGlobal("addEventListener", device.addEventListener.bind(device));
    const { address } = await startServer();
    const away = open(address);
    const local = open(new URL(address.href.replace("127.0.0.1", "localhost")));
    await eventually(() => away.opened + local.opened === 2);
    device.dispatchEvent(new Event("offline"));
    expect(away.lost.map(({ message }) => message)).toEqual([expect.stringContaining("offline")]);
    expect(local.lost).toEqual([]);
  });

  it("says so when more waits to leave than the network takes", async () => {
    const { server, http, address } = await startServer();
    const line = new Promise<Duplex>((resolve) => http.once("connection", resolve));
    const connected = connection(server);
    const told = open(address);
    const tcp = await line;
    const socket = await connected;
    await eventually(() => told.opened === 1);
    expect(told.link.congested).toBe(false);
    const heard: unknown[] = [];
    socket.onAny((...all) => heard.push(all));
    tcp.pause();
    const message = new Uint8Array(524_288);
    for (let sent = 0; sent < 64; sent += 1) told.link.send("up", [message]);
    expect(told.link.congested).toBe(true);
    tcp.resume();
    await eventually(() => heard.length === 64);
    expect(told.link.congested).toBe(false);
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
