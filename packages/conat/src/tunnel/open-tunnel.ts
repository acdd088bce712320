import type { Duplex } from "node:stream";
import type { Msg, NatsConnection, Subscription } from "@nats-io/nats-core";
import { usernamePasswordAuthenticator } from "@nats-io/nats-core";
import type { ServerAddresses } from "../jetstream/address.ts";
import { connectToNats } from "../jetstream/nats-transport.ts";
import { ConatError, toConatError } from "../protocol/conat-error.ts";
import { tunnelSubjects, tunnelUser } from "../protocol/subjects.ts";
import { decodeTunnelMessage } from "./tunnel-message.ts";
import { TunnelStream } from "./tunnel-stream.ts";

/** A hub answers within milliseconds; a session has its own deadline beside it. */
const OPEN_TIMEOUT_MS = 5_000;

/** A dead server is noticed after two unanswered pings; what goes through the tunnel is tested by the hub besides. */
const PING_INTERVAL_MS = 10_000;

const NO_RESPONDERS = 503;

export interface TunnelOptions {
  readonly addresses: ServerAddresses;
  readonly project_id: string;
  readonly token: string | undefined;
}

/**
 * A byte stream to some hub, over a NATS connection of its own, which ends with it.
 * @throws ConatError `unavailable`: NATS or a hub is not reached, or does not let this backend in
 */
export async function openTunnel(options: TunnelOptions): Promise<Duplex> {
  const { project_id, addresses } = options;
  const connection = crypto.randomUUID();
  const nats = await dial(options, tunnelUser(project_id, connection));
  const subjects = tunnelSubjects(project_id, connection);
  let timer: NodeJS.Timeout | undefined;
  try {
    return await new Promise<Duplex>((resolve, reject) => {
      const fail = (why: string): void => reject(new ConatError("unavailable", why));
      timer = setTimeout(() => fail(`no hub answers behind ${addresses.shown}`), OPEN_TIMEOUT_MS);
      void nats.closed().then(() => fail(`the connection to ${addresses.shown} was lost`));
      let stream: TunnelStream | undefined;
      const onMessage = (message: Msg): void => {
        const isNobodyThere = message.headers?.code === NO_RESPONDERS;
        if (stream) {
          if (isNobodyThere) stream.destroy(new Error("the hub has gone"));
          else stream.receive(message.data);
          return;
        }
        const first = decodeTunnelMessage(message.data);
        const text = first && new TextDecoder().decode(first.bytes);
        if (isNobodyThere) {
          fail(`no hub takes backends of projects in behind ${addresses.shown}`);
        } else if (first?.kind === "welcome" && text) {
          stream = createStream(nats, subscription, (bytes) =>
            // The reply is for the server's word that nobody is there; hubs never use one.
            nats.publish(subjects.up(text), bytes, { reply: subjects.down }),
          );
          resolve(stream);
        } else fail(`the hub behind ${addresses.shown} refuses: ${text}`);
      };
      const subscription = nats.subscribe(subjects.down, {
        callback: (error, message) => {
          if (error) reject(toConatError(error, "unavailable"));
          else onMessage(message);
        },
      });
      nats.publish(subjects.open, undefined, { reply: subjects.down });
    });
  } catch (error) {
    await nats.close();
    throw error;
  } finally {
    clearTimeout(timer);
  }
}

function createStream(
  nats: NatsConnection,
  subscription: Subscription,
  send: (message: Uint8Array) => void,
): TunnelStream {
  const stream = new TunnelStream((message) => {
    if (!nats.isClosed()) send(message);
  });
  // The hub may end it before whoever asked for it has it in hands, and an error that nobody listens to ends the process.
  stream.on("error", () => undefined);
  stream.once("close", () => {
    subscription.unsubscribe();
    // What was sent last may still be on its way.
    void nats.drain().catch(() => nats.close());
  });
  void nats.closed().then((error) => {
    stream.destroy(error instanceof Error ? error : new Error("the connection to NATS was lost"));
  });
  return stream;
}

async function dial({ addresses, token }: TunnelOptions, user: string): Promise<NatsConnection> {
  const { servers, tls } = addresses;
  try {
    return await connectToNats({
      servers: [...servers],
      name: "conat-backend",
      ...(tls ? { tls: {} } : {}),
      authenticator: usernamePasswordAuthenticator(user, token ?? ""),
      timeout: OPEN_TIMEOUT_MS,
      pingInterval: PING_INTERVAL_MS,
      // The session above knows how to come back, and to which hub; what was under way here is lost anyway.
      reconnect: false,
      noAsyncTraces: true,
    });
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new ConatError(
      "unavailable",
      `NATS at ${addresses.shown} does not let this backend in, because its token is wrong or has expired, ` +
        `or there is no hub to ask: ${why}`,
      { cause },
    );
  }
}
