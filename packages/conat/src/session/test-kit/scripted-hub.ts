import { createServer } from "node:http";
import { type AddressInfo, Socket as TcpSocket } from "node:net";
import { Server, type Socket } from "socket.io";
import { Decoder, Encoder } from "../../protocol/frame-parser.ts";
import { eventually } from "../../testing/eventually.ts";

/** One message that a client sent. */
export type Sent = readonly [event: string, ...message: unknown[]];

/** One client's connection, as the hub sees it. */
export class ScriptedConnection {
  /** What the client said in the handshake. */
  readonly hello: Record<string, unknown>;
  /** Everything the client has sent, in order. */
  readonly sent: Sent[] = [];
  readonly #socket: Socket;

  constructor(socket: Socket) {
    this.#socket = socket;
    this.hello = socket.handshake.auth;
    socket.onAny((event: string, ...message: unknown[]) => this.sent.push([event, ...message]));
  }

  get open(): boolean {
    return this.#socket.connected;
  }

  send(event: string, ...message: unknown[]): void {
    this.#socket.emit(event, ...message);
  }

  welcome(time: number = Date.now()): void {
    const origin = `${String(this.hello.client)}@test`;
    this.send("welcome", { v: 1, origin, time, hub: "scripted" });
  }

  /** The messages of this event that the client has sent so far. */
  all(event: string): unknown[][] {
    return this.sent.filter(([name]) => name === event).map(([, ...message]) => message);
  }

  /** Waits for the client's message number `count` of this event, from 1. */
  async next(event: string, count = 1): Promise<unknown[]> {
    return eventually(() => {
      const message = this.all(event)[count - 1];
      if (message === undefined) throw new Error(`no ${event} number ${count}`);
      return message;
    });
  }

  /** Stops the heartbeat and leaves the connection open, as a hub does whose machine is gone. */
  silence(): void {
    clearTimeout(Reflect.get(this.#socket.conn, "pingIntervalTimer"));
    clearTimeout(Reflect.get(this.#socket.conn, "pingTimeoutTimer"));
  }

  /** Stops reading what the client sends, or goes on. */
  read(on: boolean): void {
    const webSocket: unknown = Reflect.get(this.#socket.conn.transport, "socket");
    const tcp: unknown = Reflect.get(Object(webSocket), "_socket");
    if (tcp instanceof TcpSocket) on ? tcp.resume() : tcp.pause();
  }

  /** Cuts the transport as a network would, without a goodbye. */
  cut(): void {
    this.#socket.conn.close(true);
  }
}

export interface ScriptedHub {
  readonly address: string;
  readonly connections: readonly ScriptedConnection[];
  /** Waits for connection number `count`, from 1. */
  connection(count?: number): Promise<ScriptedConnection>;
  /** Refuses the handshakes that follow with this; `undefined` accepts them again. */
  refuse(refusal: { readonly kind: string; readonly message: string } | undefined): void;
  stop(): Promise<void>;
}

export interface ScriptedHubOptions {
  /** Send `welcome` by itself. @default true */
  readonly welcome?: boolean | undefined;
  readonly port?: number | undefined;
  readonly path?: string | undefined;
  readonly pingIntervalMs?: number | undefined;
  readonly pingTimeoutMs?: number | undefined;
}

/** A hub that speaks the real wire over a real Socket.IO server, and says only what a test makes it say. */
export async function startScriptedHub(options: ScriptedHubOptions = {}): Promise<ScriptedHub> {
  const http = createServer();
  const io = new Server(http, {
    path: options.path ?? "/socket.io",
    parser: { Encoder, Decoder },
    transports: ["websocket"],
    serveClient: false,
    pingInterval: options.pingIntervalMs ?? 10_000,
    pingTimeout: options.pingTimeoutMs ?? 5_000,
  });
  const connections: ScriptedConnection[] = [];
  let refusal: { kind: string; message: string } | undefined;
  io.use((_socket, next) => {
    if (refusal === undefined) next();
    else next(Object.assign(new Error(refusal.message), { data: refusal }));
  });
  io.on("connection", (socket) => {
    const connection = new ScriptedConnection(socket);
    connections.push(connection);
    if (options.welcome ?? true) connection.welcome();
  });
  await new Promise<void>((resolve, reject) => {
    http.once("error", reject);
    http.listen(options.port ?? 0, "127.0.0.1", resolve);
  });
  const { port } = http.address() as AddressInfo;
  return {
    address: `http://127.0.0.1:${port}`,
    connections,
    connection: (count = 1) =>
      eventually(() => {
        const connection = connections[count - 1];
        if (connection === undefined) throw new Error(`no connection number ${count}`);
        return connection;
      }),
    refuse(next) {
      refusal = next;
    },
    async stop() {
      await io.close();
    },
  };
}
