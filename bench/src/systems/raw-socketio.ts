import { Decoder, Encoder } from "@conat/conat/internal";
import { io, type Socket } from "socket.io-client";
import { type Connection, type Store, type System, VALUE_BYTES } from "./system.ts";

export interface RawSocketioOptions {
  readonly kind: "raw-socketio";
  readonly address: string;
}

/** The floor on Socket.IO: the client side of `servers/socketio-server.ts`, with conat's parser. */
export function rawSocketio({ address }: RawSocketioOptions): System {
  return {
    async connect(): Promise<Connection> {
      const socket = io(address, {
        transports: ["websocket"],
        parser: { Encoder, Decoder },
        auth: {}, // its server falls over a handshake without an object
        forceNew: true,
        reconnection: false,
      });
      await new Promise<void>((resolve, reject) => {
        socket.once("connect", resolve);
        socket.once("connect_error", reject);
      });
      return {
        async open(name) {
          await socket.emitWithAck("open", name);
          return new RawSocketioStore(socket, name);
        },
        close: async () => void socket.close(),
      };
    },
  };
}

class RawSocketioStore implements Store {
  readonly size = 0;
  readonly #socket: Socket;
  readonly #name: string;

  constructor(socket: Socket, name: string) {
    this.#socket = socket;
    this.#name = name;
  }

  set(key: string): void {
    this.#socket.emit("set", this.#name, key, VALUE_BYTES);
  }

  async confirmed(): Promise<void> {
    await this.#socket.emitWithAck("flush");
  }

  onChange(listener: (key: string) => void): void {
    this.#socket.on("changed", (store: string, key: string) => {
      if (store === this.#name || store === "relay") listener(key);
    });
  }

  async close(): Promise<void> {}
}
