import { Decoder, Encoder } from "@conat/conat/internal";
import { io, type Socket } from "socket.io-client";
import { type Connection, type Store, type System, VALUE_BYTES, type Value } from "./system.ts";

export interface RawSocketioOptions {
  readonly kind: "raw-socketio";
  readonly address: string;
  /** Sends each value as it is, for the parser to pack and every reader to unpack; bytes otherwise. @default false */
  readonly objects?: boolean;
  /** Every reader unpacks each value, which is JSON in bytes, and keeps the newest of each key. @default false */
  readonly keeps?: boolean;
}

const fromUtf8 = new TextDecoder();

/** What Socket.IO takes for a parser. */
interface Parser {
  readonly Encoder: unknown;
  readonly Decoder: unknown;
}

/** The floor on Socket.IO: the client side of `servers/socketio-server.ts`, with the parser of its server. */
export function rawSocketio(
  { address, objects = false, keeps = false }: RawSocketioOptions,
  parser: Parser = { Encoder, Decoder },
): System {
  return {
    async connect(): Promise<Connection> {
      const socket = io(address, {
        transports: ["websocket"],
        parser,
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
          return new RawSocketioStore(socket, name, objects, keeps ? new Map() : undefined);
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
  readonly #hasObjects: boolean;
  readonly #kept: Map<string, Value> | undefined;

  constructor(
    socket: Socket,
    name: string,
    hasObjects: boolean,
    kept: Map<string, Value> | undefined,
  ) {
    this.#socket = socket;
    this.#name = name;
    this.#hasObjects = hasObjects;
    this.#kept = kept;
  }

  set(key: string, value: Value): void {
    this.#socket.emit("set", this.#name, key, this.#hasObjects ? value : VALUE_BYTES);
  }

  async confirmed(): Promise<void> {
    await this.#socket.emitWithAck("flush");
  }

  onChange(listener: (key: string) => void): void {
    this.#socket.on("changed", (store: string, key: string, value: Value | Uint8Array) => {
      if (store !== this.#name && store !== "relay") return;
      if (this.#kept && !("n" in value)) this.#kept.set(key, JSON.parse(fromUtf8.decode(value)));
      // As an application would, it looks at the value where there is one.
      if (!this.#hasObjects || "n" in value) listener(key);
    });
  }

  /** In turn: the server hands out the number, and is answered with the next one. */
  async increment(key: string): Promise<void> {
    this.#socket.once("turn", (number: number, answer: (next: number) => void) => {
      answer(number + 1);
    });
    await this.#socket.emitWithAck("add", this.#name, key);
  }

  count(key: string): Promise<number> {
    return this.#socket.emitWithAck("count", this.#name, key);
  }

  async close(): Promise<void> {}
}
