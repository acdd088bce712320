import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { Decoder, Encoder } from "@conat/conat/internal";
import { Server, type Socket } from "socket.io";
import { serve } from "../framework/serve.ts";
import { RawNumbers, rawNats } from "../systems/raw-nats.ts";
import { type Connection, makeValue, VALUE_BYTES } from "../systems/system.ts";
import { Turns } from "./turns.ts";
import { usedMemory } from "./used-memory.ts";

export interface SocketioServerOptions {
  /** NATS to store writes in. */
  readonly natsUrl?: string | undefined;
  /** @default "conat" */
  readonly parser?: "conat" | "socket.io-msgpack-parser";
  /** Tell everybody of each number that clients change in turn. */
  readonly tellsTurns?: boolean | undefined;
}

/**
 * The floor on Socket.IO: a process that passes each write on to everybody who has the store open, one packet per
 * change, with conat's parser or the published one for MessagePack. It checks nothing and keeps nothing.
 *
 * With a NATS address it is the least that a hub could be: writes are stored in JetStream, and what JetStream
 * republishes is passed on.
 */
const http = createServer();
let io: Server | undefined;
let nats: Connection | undefined;

function relay(io: Server): void {
  const turns = new Turns({});
  io.on("connection", (socket) => {
    takeTurns(socket, turns, (path) => turns.number(path));
    socket.on("open", (store: string, done: () => void) => {
      void socket.join(store);
      done();
    });
    socket.on("set", (store: string, key: string, value: unknown) => {
      io.to(store).emit("changed", store, key, value);
    });
    socket.on("flush", (done: () => void) => done());
  });
}

async function relayThroughNats(io: Server, address: string, tellsTurns: boolean): Promise<void> {
  nats = await rawNats({ kind: "raw-nats", address }).connect();
  const store = await nats.open("relay", 0);
  await store.onChange((key) => io.to("relay").emit("changed", "relay", key, VALUE_BYTES));
  const numbers = await RawNumbers.open(address);
  const turns = new Turns({
    store: (path, number) => numbers.store(path, number),
    tell: tellsTurns
      ? (path, number) => void io.to("relay").emit("changed", "relay", path, number)
      : undefined,
  });
  io.on("connection", (socket) => {
    takeTurns(socket, turns, (path) => numbers.read(path));
    socket.on("open", (_name: string, done: () => void) => {
      void socket.join("relay");
      done();
    });
    socket.on("set", (_name: string, key: string) => store.set(key, makeValue(0)));
    socket.on("flush", (done: () => void) => void store.confirmed().then(done));
  });
}

/** @param count says what has become of a number */
function takeTurns(
  client: Socket,
  turns: Turns,
  count: (path: string) => number | Promise<number>,
): void {
  client.on("add", (store: string, key: string, done: () => void) => {
    turns.wish(`${store}.${key}`, { client, done });
  });
  client.on("count", async (store: string, key: string, done: (count: number) => void) => {
    done(await count(`${store}.${key}`));
  });
}

export const socketioServer = serve(
  {
    /** Returns the address. */
    async listen({
      natsUrl,
      parser = "conat",
      tellsTurns = false,
    }: SocketioServerOptions): Promise<string> {
      io = new Server(http, {
        parser:
          parser === "conat" ? { Encoder, Decoder } : await import("../../peers/msgpack-parser.ts"),
        transports: ["websocket"],
        serveClient: false,
      });
      if (natsUrl === undefined) relay(io);
      else await relayThroughNats(io, natsUrl, tellsTurns);
      http.listen(0, "127.0.0.1");
      await once(http, "listening");
      return `http://127.0.0.1:${(http.address() as AddressInfo).port}`;
    },
    memory: usedMemory,
  },
  () => io?.close(),
);
