import { randomBytes } from "node:crypto";
import { request } from "node:http";
import type { Socket } from "node:net";
import { Decoder, Encoder, PROTOCOL_VERSION } from "@conat/conat/internal";

const TEXT = 1;
const BINARY = 2;
const CLOSE = 8;
const PING = 9;
const PONG = 10;

/** Packet types of Socket.IO. */
const CONNECT = 0;
const EVENT = 2;
const CONNECT_ERROR = 4;

export interface RawClientOptions {
  /** What the client says in its handshake. @default an account with project `p`, in the current version */
  readonly auth?: unknown;
  /** Opens the connection and says nothing. @default false */
  readonly silent?: boolean;
  /** @default none */
  readonly headers?: Record<string, string>;
}

export function helloOf(identity: object, client = randomBytes(12).toString("base64url")): object {
  return { v: PROTOCOL_VERSION, client, identity };
}

/**
 * A client that speaks WebSocket by hand, so that a test can send what no library would, and stop reading like a
 * browser on a train.
 */
export class RawClient {
  readonly events: [name: string, ...message: unknown[]][] = [];
  /** What the hub has answered to pings. */
  readonly pongs: string[] = [];
  refusal: unknown;
  isClosed = false;
  readonly #socket: Socket;
  readonly #encoder = new Encoder();
  #received = Buffer.alloc(0);

  private constructor(socket: Socket, head: Buffer) {
    this.#socket = socket;
    socket.on("data", (chunk: Buffer) => this.#onData(chunk));
    socket.on("close", () => {
      this.isClosed = true;
    });
    socket.on("error", () => undefined);
    if (head.length > 0) this.#onData(head);
  }

  /** Resolves when the WebSocket is open; rejects with the status when the hub does not open it. */
  static open(
    url: string,
    {
      auth = helloOf({ account_id: "me", projects: ["p"] }),
      silent = false,
      headers = {},
    }: RawClientOptions = {},
  ): Promise<RawClient> {
    return new Promise((resolve, reject) => {
      const upgrade = request(`${url}/socket.io/?EIO=4&transport=websocket`, {
        headers: {
          Connection: "Upgrade",
          Upgrade: "websocket",
          "Sec-WebSocket-Version": "13",
          "Sec-WebSocket-Key": randomBytes(16).toString("base64"),
          ...headers,
        },
      });
      upgrade.on("upgrade", (_response, socket: Socket, head: Buffer) => {
        const client = new RawClient(socket, head);
        if (!silent) client.sendConnect("/", auth);
        resolve(client);
      });
      upgrade.on("response", (response) => {
        response.resume();
        reject(new Error(`refused with status ${response.statusCode}`));
      });
      upgrade.on("error", reject);
      upgrade.end();
    });
  }

  send(event: string, ...message: unknown[]): void {
    this.#sendPacket({ type: EVENT, nsp: "/", data: [event, ...message] });
  }

  sendConnect(namespace: string, auth: unknown): void {
    this.#sendPacket({ type: CONNECT, nsp: namespace, data: auth });
  }

  /** Sends bytes as one message, whatever they are. */
  sendBytes(bytes: Uint8Array): void {
    this.#sendWebSocketFrame(BINARY, bytes);
  }

  sendText(text: string): void {
    this.#sendWebSocketFrame(TEXT, Buffer.from(text));
  }

  /** Sends pings of WebSocket itself, all in one go. */
  sendPings(texts: readonly string[]): void {
    this.#socket.cork();
    for (const text of texts) this.#sendWebSocketFrame(PING, Buffer.from(text));
    this.#socket.uncork();
  }

  /** Stops reading: what the hub sends piles up on its side. */
  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  close(): void {
    this.#socket.destroy();
  }

  /** Messages of one event, without its name. */
  heard(name: string): unknown[][] {
    return this.events.filter(([event]) => event === name).map(([, ...message]) => message);
  }

  #sendPacket(packet: { type: number; nsp: string; data: unknown }): void {
    for (const frame of this.#encoder.encode(packet)) this.sendBytes(frame);
  }

  #sendWebSocketFrame(opcode: number, payload: Uint8Array): void {
    const mask = randomBytes(4);
    const isShort = payload.length < 126;
    const head = Buffer.alloc(isShort ? 2 : 10);
    head[0] = 0x80 | opcode;
    head[1] = 0x80 | (isShort ? payload.length : 127);
    if (!isShort) head.writeBigUInt64BE(BigInt(payload.length), 2);
    const masked = Buffer.from(payload);
    for (let at = 0; at < masked.length; at += 1) {
      masked[at] = (masked[at] ?? 0) ^ (mask[at % 4] ?? 0);
    }
    this.#socket.write(Buffer.concat([head, mask, masked]));
  }

  #onData(chunk: Buffer): void {
    this.#received = Buffer.concat([this.#received, chunk]);
    for (let frame = this.#takeFrame(); frame; frame = this.#takeFrame()) {
      if (frame.opcode === BINARY) this.#onPacket(frame.payload);
      else if (frame.opcode === CLOSE) this.#socket.end();
      else if (frame.opcode === PONG) this.pongs.push(frame.payload.toString());
      else if (frame.opcode === TEXT && frame.payload.toString() === "2") this.sendText("3");
    }
  }

  #takeFrame(): { opcode: number; payload: Buffer } | undefined {
    const bytes = this.#received;
    if (bytes.length < 2) return undefined;
    const short = (bytes[1] ?? 0) & 0x7f;
    const headLength = short === 127 ? 10 : short === 126 ? 4 : 2;
    if (bytes.length < headLength) return undefined;
    const length =
      short === 127
        ? Number(bytes.readBigUInt64BE(2))
        : short === 126
          ? bytes.readUInt16BE(2)
          : short;
    if (bytes.length < headLength + length) return undefined;
    this.#received = bytes.subarray(headLength + length);
    const payload = bytes.subarray(headLength, headLength + length);
    return { opcode: (bytes[0] ?? 0) & 0x0f, payload };
  }

  #onPacket(payload: Buffer): void {
    new Decoder()
      .on("decoded", ({ type, data }) => {
        if (type === CONNECT_ERROR) this.refusal = data;
        if (type === EVENT && Array.isArray(data)) {
          const [name, ...message] = data;
          this.events.push([String(name), ...message]);
        }
      })
      .add(payload);
  }
}
