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
import { openEngine } from "./engine.ts";
import { toHubError } from "./hub-error.ts";

/** More than this not yet handed to the network is a congestion. */
const CONGESTED_BYTES = 4_194_304;

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
 * This is the part of socket.io-client that a link needs: reconnecting, acknowledgements, namespaces and attachments,
 * which it never uses, are most of the library.
 * @param hello what the hub gets to see in the handshake
 */
export function openHubLink(
  address: URL,
  hello: object,
  listener: HubLinkListener,
  route?: HubRoute,
): HubLink {
  const shown = route?.shown ?? address.href;
  let connected = false;

  const send = (type: number, data?: unknown): void => {
    engine.send(encodePacket({ type, nsp: "/", data }));
  };
  const lose = (error: ConatError): void => {
    void engine.close();
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
      const message = data as unknown[];
      const event = message.shift();
      listener.onMessage(event as string, message);
    } else if (type === CONNECT_ERROR) {
      lose(toLinkError(shown, Object(data)));
    } else if (type === DISCONNECT) {
      loseTo("the hub ended it");
    }
  };
  const engine = openEngine(
    address,
    {
      onOpen: () => send(CONNECT, hello),
      onFrame(frame) {
        let packet: Packet;
        try {
          packet = decodePacket(frame);
        } catch (error) {
          loseTo(`it sent what is no message: ${error}`);
          return;
        }
        receive(packet);
      },
      onLost: loseTo,
    },
    route?.agent,
  );

  return {
    send(event, message) {
      if (connected) send(EVENT, [event, ...message]);
    },
    get congested() {
      return engine.waitingBytes > CONGESTED_BYTES;
    },
    close() {
      if (connected) send(DISCONNECT);
      return engine.close();
    },
  };
}

/** Why a hub does not let a client in: its own words, or what Socket.IO's server says by itself. */
function toLinkError(shown: string, answer: { data?: unknown; message?: unknown }): ConatError {
  const { data, message } = answer;
  if (isRefusal(data)) return toHubError(data.kind, data.message);
  return new ConatError("unavailable", `no hub answers at ${shown}: ${message}`);
}
