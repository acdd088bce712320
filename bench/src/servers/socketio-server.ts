import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { Decoder, Encoder } from "@conat/conat/internal";
import { Server } from "socket.io";
import { serve } from "../framework/serve.ts";
import { rawNats } from "../systems/raw-nats.ts";
import { type Connection, makeValue, VALUE_BYTES } from "../systems/system.ts";
import { usedMemory } from "./used-memory.ts";

export interface SocketioServerOptions {
  /** NATS to store writes in. */
  readonly natsUrl?: string | undefined;
  /** @default "conat" */
  readonly parser?: "conat" | "socket.io-msgpack-parser";
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
  io.on("connection", (socket) => {
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

async function relayThroughNats(io: Server, address: string): Promise<void> {
  nats = await rawNats({ kind: "raw-nats", address }).connect();
  const store = await nats.open("relay", 0);
  await store.onChange((key) => io.to("relay").emit("changed", "relay", key, VALUE_BYTES));
  io.on("connection", (socket) => {
    socket.on("open", (_name: string, done: () => void) => {
      void socket.join("relay");
      done();
    });
    socket.on("set", (_name: string, key: string) => store.set(key, makeValue(0)));
    socket.on("flush", (done: () => void) => void store.confirmed().then(done));
  });
}

export const socketioServer = serve(
  {
    /** Returns the address. */
    async listen({ natsUrl, parser = "conat" }: SocketioServerOptions): Promise<string> {
      io = new Server(http, {
        parser:
          parser === "conat" ? { Encoder, Decoder } : await import("../../peers/msgpack-parser.ts"),
        transports: ["websocket"],
        serveClient: false,
      });
      if (natsUrl === undefined) relay(io);
      else await relayThroughNats(io, natsUrl);
      http.listen(0, "127.0.0.1");
      await once(http, "listening");
      return `http://127.0.0.1:${(http.address() as AddressInfo).port}`;
    },
    memory: usedMemory,
  },
  () => io?.close(),
);
