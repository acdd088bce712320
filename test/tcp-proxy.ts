import { createServer, type Server, type Socket, connect as tcpConnect } from "node:net";

/** A line to a server on this machine that a test can cut, freeze, slow down and mend. */
export interface TcpProxy {
  readonly port: number;
  readonly isCut: boolean;
  /** Breaks every connection and refuses new ones. */
  cut(): void;
  /** Cuts as soon as the server has sent so many bytes more, whether or not that is the end of a message. */
  cutAfter(bytes: number): void;
  /** Holds everything back, in both directions, without a word to either end; new connections hang, too. */
  stall(): void;
  /** Delivers everything this much later, in milliseconds. */
  delay(ms: number): void;
  /** Undoes cut, cutAfter, stall and delay. What was held back is delivered. */
  mend(): void;
  close(): Promise<void>;
}

/** Bytes that one direction of a connection holds back before it reads no more. */
const MAX_HELD_BYTES = 1_048_576;

/** @param target the server's port, or a function that is asked for one at every connection; `undefined` refuses it */
export async function startTcpProxy(
  target: number | (() => number | undefined),
): Promise<TcpProxy> {
  const weather: Weather = { isStalled: false, delayMs: 0, pipes: new Set() };
  let bytesLeft = Number.POSITIVE_INFINITY;
  const sockets = new Set<Socket>();
  let isCut = false;
  const join = (client: Socket): void => {
    const port = typeof target === "number" ? target : target();
    if (isCut || port === undefined) {
      client.destroy();
      return;
    }
    const server = tcpConnect(port, "127.0.0.1");
    for (const socket of [client, server]) {
      sockets.add(socket);
      socket.setNoDelay(true);
      socket.on("close", () => sockets.delete(socket));
    }
    weather.pipes.add(new Pipe(client, server, weather));
    weather.pipes.add(new Pipe(server, client, weather, spend));
  };
  const listener = await listen(createServer(join));
  const drop = (): void => {
    for (const socket of sockets) socket.destroy();
    for (const pipe of weather.pipes) pipe.drop();
  };
  const cut = (): void => {
    isCut = true;
    drop();
  };
  const spend = (chunk: Buffer): boolean => {
    bytesLeft -= chunk.length;
    if (bytesLeft >= 0) return true;
    cut();
    return false;
  };
  return {
    port: (listener.address() as { port: number }).port,
    get isCut() {
      return isCut;
    },
    cut,
    cutAfter: (bytes) => {
      bytesLeft = bytes;
    },
    stall: () => {
      weather.isStalled = true;
    },
    delay: (ms) => {
      weather.delayMs = ms;
    },
    mend: () => {
      isCut = false;
      bytesLeft = Number.POSITIVE_INFINITY;
      weather.isStalled = false;
      weather.delayMs = 0;
      for (const pipe of weather.pipes) pipe.flush();
    },
    close: () =>
      new Promise((resolve) => {
        drop();
        listener.close(() => resolve());
      }),
  };
}

/** What all connections of one proxy go through. */
interface Weather {
  isStalled: boolean;
  delayMs: number;
  readonly pipes: Set<Pipe>;
}

interface Held {
  /** `undefined`: the sender has closed. */
  readonly chunk: Buffer | undefined;
  readonly dueAt: number;
}

/** One direction of one connection. */
class Pipe {
  readonly #from: Socket;
  readonly #to: Socket;
  readonly #weather: Weather;
  #held: Held[] = [];
  #heldBytes = 0;
  #timer: NodeJS.Timeout | undefined;
  readonly #mayPass: (chunk: Buffer) => boolean;

  /** @param mayPass is asked about every chunk before it is delivered */
  constructor(
    from: Socket,
    to: Socket,
    weather: Weather,
    mayPass: (chunk: Buffer) => boolean = () => true,
  ) {
    this.#from = from;
    this.#to = to;
    this.#weather = weather;
    this.#mayPass = mayPass;
    from.on("data", (chunk: Buffer) => this.#hold(chunk));
    from.on("error", () => undefined);
    from.on("close", () => this.#hold(undefined));
    to.on("drain", () => this.flush());
  }

  /** Delivers what is due. */
  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    for (let next = this.#held[0]; next !== undefined; next = this.#held[0]) {
      if (this.#weather.isStalled || this.#to.writableNeedDrain) return;
      // A line that was mended delivers at once.
      const waitMs = this.#weather.delayMs === 0 ? 0 : next.dueAt - performance.now();
      if (waitMs > 0) {
        this.#timer = setTimeout(() => this.flush(), waitMs);
        return;
      }
      this.#held.shift();
      if (next.chunk === undefined) {
        this.#to.destroySoon();
        this.drop();
        return;
      }
      this.#heldBytes -= next.chunk.length;
      if (!this.#mayPass(next.chunk)) return;
      this.#to.write(next.chunk);
    }
    this.#from.resume();
  }

  drop(): void {
    clearTimeout(this.#timer);
    this.#held = [];
    this.#weather.pipes.delete(this);
  }

  #hold(chunk: Buffer | undefined): void {
    this.#held.push({ chunk, dueAt: performance.now() + this.#weather.delayMs });
    this.#heldBytes += chunk?.length ?? 0;
    if (this.#heldBytes > MAX_HELD_BYTES) this.#from.pause();
    if (this.#timer === undefined) this.flush();
  }
}

function listen(server: Server): Promise<Server> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => resolve(server));
  });
}
