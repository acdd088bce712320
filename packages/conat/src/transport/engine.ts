import { openWebSocket } from "#web-socket";
import { hostEnvironment } from "./environment.ts";

/** Of Engine.IO. What its packets are is their first character; data is binary, and travels as it is. */
const PROTOCOL_VERSION = 4;
const OPEN = "0";
const PING = "2";
const PONG = "3";

/** `readyState` of a WebSocket that is open. */
const IS_OPEN = 1;

/** How long closing waits for what was sent last to leave, in milliseconds. */
const CLOSE_TIMEOUT_MS = 1_000;

/** The connection that Socket.IO's packets travel on. */
export interface Engine {
  /** Bytes that the network has not taken yet. */
  readonly waitingBytes: number;
  /** Does nothing when the connection is over. */
  send(frame: Uint8Array<ArrayBuffer>): void;
  /** No callback follows. Resolves when what was sent has left, or has had its time. Idempotent. */
  close(): Promise<void>;
}

export interface EngineListener {
  onOpen(): void;
  onFrame(frame: unknown): void;
  /** Told at most once; the connection is over then. */
  onLost(reason: string, cause?: Error): void;
}

/**
 * Connects to the Engine.IO server of the hub at `address` by a WebSocket. That is a handshake and the server's pings;
 * the rest of the protocol is about HTTP requests in place of a WebSocket, and about leaving them for one.
 * @param agent what Node's HTTP gets its connection from, if not from the network
 */
export function openEngine(address: URL, listener: EngineListener, agent?: object): Engine {
  let over = false;
  /** 0 before the handshake. */
  let patienceMs = 0;
  let nextPingBy = Number.POSITIVE_INFINITY;
  let pingTimer: ReturnType<typeof setTimeout> | undefined;
  let onClosed = (): void => {};

  const end = (): void => {
    over = true;
    clearTimeout(pingTimer);
    stopWatching();
    socket.close();
  };
  const lose = (reason: string, cause?: Error): void => {
    if (over) return;
    end();
    listener.onLost(reason, cause);
  };
  const missPing = (): void => lose("ping timeout");
  const expectPing = (): void => {
    clearTimeout(pingTimer);
    nextPingBy = Date.now() + patienceMs;
    pingTimer = setTimeout(missPing, patienceMs);
  };

  const onMessage = (data: unknown): void => {
    if (over) return;
    if (patienceMs === 0) {
      patienceMs = toPatienceMs(data);
      if (patienceMs === 0) {
        lose("what it sent first is no handshake");
        return;
      }
      expectPing();
      listener.onOpen();
    } else if (data === PING) {
      socket.send(PONG);
      expectPing();
    } else {
      listener.onFrame(data);
    }
  };
  const socket = openWebSocket(
    toSocketUrl(address),
    {
      onMessage,
      onError: (cause) => lose(cause?.message ?? "the WebSocket failed", cause),
      onClose(code) {
        lose(`it was closed with code ${code}`);
        onClosed();
      },
    },
    agent,
  );
  // A line that is cut says so only by the pings that stay away; the device knows at once.
  const stopWatching = hostEnvironment.watchDevice((event) => {
    if (event === "offline" && address.hostname !== "localhost") lose("the device went offline");
  });

  return {
    get waitingBytes() {
      return socket.bufferedAmount;
    },
    send(frame) {
      if (over) return;
      // A device that was asleep may not have noticed yet that its connection is gone.
      if (Date.now() > nextPingBy) queueMicrotask(missPing);
      else socket.send(frame);
    },
    close() {
      const hasMoreToSend = !over && socket.readyState === IS_OPEN;
      if (!over) end();
      if (!hasMoreToSend) return Promise.resolve();
      return new Promise((resolve) => {
        const timer = setTimeout(resolve, CLOSE_TIMEOUT_MS);
        onClosed = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    },
  };
}

function toSocketUrl({ origin, pathname }: URL): string {
  const base = origin.replace(/^http/, "ws") + pathname.replace(/\/$/, "");
  return `${base}/socket.io/?EIO=${PROTOCOL_VERSION}&transport=websocket`;
}

/** How long after a ping the next one comes at the latest; 0 if this is not the handshake that says so. */
function toPatienceMs(handshake: unknown): number {
  if (typeof handshake !== "string" || !handshake.startsWith(OPEN)) return 0;
  try {
    const { pingInterval, pingTimeout } = JSON.parse(handshake.slice(OPEN.length));
    return Number(pingInterval) + Number(pingTimeout) || 0;
  } catch {
    return 0;
  }
}
