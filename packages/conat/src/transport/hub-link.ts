import { Socket } from "engine.io-client";
import { ConatError } from "../protocol/conat-error.ts";
import { isRefusal } from "../protocol/hub-messages.ts";
import {
  CONNECT,
  CONNECT_ERROR,
  DISCONNECT,
  decodePacket,
  EVENT,
  encodePacket,
  type Packet,
} from "../protocol/packet.ts";
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
 *
 * This is the part of socket.io-client that a link needs, over the connection that it is made on: reconnecting,
 * acknowledgements, namespaces and attachments, which it never uses, are most of the library.
 * @param hello what the hub gets to see in the handshake
 */
export function openHubLink(
  address: URL,
  hello: object,
  listener: HubLinkListener,
  route?: HubRoute,
): HubLink {
  const shown = route?.shown ?? address.href;
  const engine = new Socket(address.origin, {
    path: `${address.pathname.replace(/\/$/, "")}/socket.io`,
    transports: ["websocket"],
    // Where the types of Engine.IO let an agent through.
    transportOptions: { websocket: route },
  });
  let connected = false;
  let over = false;

  const send = (packet: Omit<Packet, "nsp">): void => {
    engine.write(encodePacket({ ...packet, nsp: "/" }));
  };
  const lose = (error: ConatError): void => {
    if (over) return;
    over = true;
    engine.close();
    listener.onLost(error);
  };
  const loseTo = (reason: string, cause?: Error): void => {
    const what = connected ? `the connection to ${shown} was lost` : `no hub answers at ${shown}`;
    lose(new ConatError("unavailable", `${what}: ${reason}`, { cause }));
  };
  const receive = ({ type, data }: Packet): void => {
    if (type === CONNECT) {
      connected = true;
      listener.onOpen();
    } else if (type === EVENT) {
      const [event, ...message] = data as [string, ...unknown[]];
      listener.onMessage(event, message);
    } else if (type === CONNECT_ERROR) {
      lose(toLinkError(shown, Object(data)));
    } else if (type === DISCONNECT) {
      loseTo("the hub ended it");
    }
  };

  engine.on("open", () => send({ type: CONNECT, data: hello }));
  engine.on("data", (frame: unknown) => {
    if (over) return;
    let packet: Packet;
    try {
      packet = decodePacket(frame);
    } catch (error) {
      loseTo(`it sent what is no message: ${error}`);
      return;
    }
    receive(packet);
  });
  engine.on("error", (error) => {
    const reason = networkError(error);
    loseTo(reason.message, reason);
  });
  engine.on("close", (reason) => loseTo(reason));

  return {
    send(event, message) {
      // A device that was asleep may not have noticed yet that its connection is gone; asking makes it.
      if (connected && !over && !engine._hasPingExpired()) {
        send({ type: EVENT, data: [event, ...message] });
      }
    },
    get congested() {
      const { transport, writeBuffer } = engine;
      const webSocket: unknown = Reflect.get(transport, "ws") ?? transport;
      const waitingBytes = Number(Reflect.get(Object(webSocket), "bufferedAmount") ?? 0);
      return writeBuffer.length > CONGESTED_MESSAGES || waitingBytes > CONGESTED_BYTES;
    },
    close() {
      over = true;
      if (engine.readyState !== "open") {
        engine.close();
        return Promise.resolve();
      }
      return new Promise((resolve) => {
        const timer = setTimeout(resolve, CLOSE_TIMEOUT_MS);
        engine.once("close", () => {
          clearTimeout(timer);
          resolve();
        });
        if (connected) send({ type: DISCONNECT });
        engine.close();
      });
    },
  };
}

/** Why a hub does not let a client in: its own words, or what Socket.IO's server says by itself. */
function toLinkError(shown: string, answer: { data?: unknown; message?: unknown }): ConatError {
  const { data, message } = answer;
  if (isRefusal(data)) return toHubError(data.kind, data.message);
  return new ConatError("unavailable", `no hub answers at ${shown}: ${message}`);
}

/** What Node says of the network, out of what Engine.IO and the WebSocket have wrapped around it. */
function networkError(error: string | Error): Error {
  const event: unknown = Reflect.get(Object(error), "description");
  const inner: unknown = Reflect.get(Object(event), "error");
  return inner instanceof Error ? inner : error instanceof Error ? error : new Error(error);
}
