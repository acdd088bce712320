import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";

/** A line to a server that counts bytes and can be cut. */
export class CuttableLine {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #isCut = false;
  #bytesToClient = 0;

  private constructor(target: URL) {
    this.#server = createServer((client) => {
      if (this.#isCut) {
        client.destroy();
        return;
      }
      const server = connect(Number(target.port), target.hostname);
      for (const socket of [client, server]) {
        socket.setNoDelay(true);
        this.#sockets.add(socket);
        socket.on("error", () => socket.destroy());
      }
      server.on("data", (data) => {
        this.#bytesToClient += data.length;
      });
      client.pipe(server).pipe(client);
      this.#endTogether(client, server);
      this.#endTogether(server, client);
    });
  }

  static async start(url: string): Promise<CuttableLine> {
    const line = new CuttableLine(new URL(url));
    line.#server.listen(0, "127.0.0.1");
    await once(line.#server, "listening");
    return line;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Bytes that have gone to the client since this was last asked. */
  takeBytes(): number {
    const bytes = this.#bytesToClient;
    this.#bytesToClient = 0;
    return bytes;
  }

  /** Breaks what is connected and lets nobody connect. */
  cut(): void {
    this.#isCut = true;
    for (const socket of this.#sockets) socket.destroy();
  }

  restore(): void {
    this.#isCut = false;
  }

  async stop(): Promise<void> {
    this.cut();
    this.#server.close();
    await once(this.#server, "close");
  }

  #endTogether(one: Socket, other: Socket): void {
    one.once("close", () => {
      this.#sockets.delete(one);
      other.destroy();
    });
  }
}
