import { Manager } from "socket.io-client";
import { ConatError } from "../protocol/conat-error.ts";
import { Decoder, Encoder } from "../protocol/frame-parser.ts";
import { isRefusal } from "../protocol/hub-messages.ts";
import { toHubError } from "./hub-error.ts";

/** How long closing waits for what was sent last to leave, in milliseconds. */
const CLOSE_TIMEOUT_MS = 1_000;

/** More than this not yet handed to the network is a congestion: in bytes, and in messages of one turn. */
const CONGESTED_BYTES = 4_194_304;
const CONGESTED_MESSAGES = 10_000;

/** One connection to a hub: moves messages, knows no meaning. It is used once; a retry opens another. */
export interface HubLink {
  send(event: string, message: readonly unknown[]): void;
  /** More is waiting to leave than the network takes. */
  readonly congested: boolean;
  /** Lets go of the connection; no callback follows. Resolves when what was sent has left, or has had its time. */
  close(): Promise<void>;
}

export interface HubLinkListener {
  onOpen(): void;
  onMessage(event: string, message: unknown[]): void;
  /** Told at most once, before or after `onOpen`; the link is of no use then. */
  onLost(error: ConatError): void;
}

/** Another way to a hub than a TCP connection to its address, for one attempt. */
export interface HubRoute {
  /** What Node's HTTP gets its connection from: an `Agent` of `node:http`. */
  readonly agent: object;
  /** Where it leads, for people to read. */
  readonly shown: string;
}

/**
 * Opens a connection to the hub at `address`, an `http:` or `https:` URL; a path in it comes before `/socket.io`.
 * @param hello what the hub gets to see in the handshake
 */
export function openHubLink(
  address: URL,
  hello: object,
  listener: HubLinkListener,
  route?: HubRoute,
): HubLink {
  const shown = route?.shown ?? address.href;
  const manager = new Manager(address.origin, {
    path: `${address.pathname.replace(/\/$/, "")}/socket.io`,
    transports: ["websocket"],
    parser: { Encoder, Decoder },
    reconnection: false,
    autoConnect: false,
    // Where the types of Engine.IO let an agent through.
    transportOptions: route ? { websocket: { agent: route.agent } } : {},
  });
  // The session has its own deadline, from the token to the welcome.
  manager.timeout(false);
  const socket = manager.socket("/", { auth: hello });
  const lost = (error: ConatError): void => {
    socket.offAny();
    socket.off();
    listener.onLost(error);
  };
  socket.on("connect", () => listener.onOpen());
  socket.on("connect_error", (error) => lost(toLinkError(shown, error)));
  socket.on("disconnect", (reason) =>
    lost(new ConatError("unavailable", `the connection to ${shown} was lost: ${reason}`)),
  );
  socket.onAny((event, ...message) => listener.onMessage(event, message));
  socket.connect();
  return {
    send(event, message) {
      // Socket.IO would keep it for a reconnect that this socket never makes.
      if (socket.connected) socket.emit(event, ...message);
    },
    get congested() {
      const { transport, writeBuffer } = manager.engine;
      const webSocket: unknown = Reflect.get(transport, "ws") ?? transport;
      const waitingBytes = Number(Reflect.get(Object(webSocket), "bufferedAmount") ?? 0);
      return writeBuffer.length > CONGESTED_MESSAGES || waitingBytes > CONGESTED_BYTES;
    },
    close() {
      socket.offAny();
      socket.off();
      const { engine } = manager;
      if (engine.readyState !== "open") {
        socket.disconnect();
        return Promise.resolve();
      }
      return new Promise((resolve) => {
        const timer = setTimeout(resolve, CLOSE_TIMEOUT_MS);
        engine.once("close", () => {
          clearTimeout(timer);
          resolve();
        });
        socket.disconnect();
      });
    },
  };
}

function toLinkError(shown: string, cause: Error): ConatError {
  const data: unknown = Reflect.get(cause, "data");
  if (isRefusal(data)) return toHubError(data.kind, data.message);
  const reason = networkError(cause);
  const message = `no hub answers at ${shown}: ${reason.message}`;
  return new ConatError("unavailable", message, { cause: reason });
}

/** What Node says of the network, out of what Engine.IO and the WebSocket have wrapped around it. */
function networkError(error: Error): Error {
  const event: unknown = Reflect.get(error, "description");
  const inner: unknown = Reflect.get(Object(event), "error");
  return inner instanceof Error ? inner : error;
}
