import type {
  ConnectionOptions,
  NatsConnection,
  ReconnectToServerHandler,
} from "@nats-io/nats-core";
import { ConatError } from "../protocol/conat-error.ts";
import { connectToNats } from "./nats-transport.ts";

/**
 * Connects for the first time, and fails once no server lets us in. The client library would never end against a cluster
 * that refuses: it drops a server that failed, hears of it from the next one, and calls it again at once.
 * @throws what the client library says of the last server
 */
export async function dial(options: ConnectionOptions): Promise<NatsConnection> {
  const tour = new FirstTour();
  try {
    const connection = await connectToNats({ ...options, reconnectToServer: tour.choose });
    tour.hasArrived = true;
    return connection;
  } catch (error) {
    if (!tour.isOver) throw error;
  }
  // Why that was so only a connection tells that hears of no other servers.
  const connection = await connectToNats({
    ...options,
    reconnect: false,
    ignoreClusterUpdates: true,
  });
  await connection.close();
  throw new ConatError("unavailable", "a server that let nobody in does so now: try again");
}

/** Before the first connection every server is called once, whoever tells of it; after that the library's order holds. */
class FirstTour {
  hasArrived = false;
  /** All servers have been called. Nothing is called after that, whatever the library has left running. */
  isOver = false;
  readonly #called = new Set<string>();

  readonly choose: ReconnectToServerHandler = (servers) => {
    if (this.hasArrived) return null;
    const next = servers.find(({ listen }) => !this.#called.has(listen));
    if (next === undefined || this.isOver) {
      this.isOver = true;
      throw new Error("no server is left to be called");
    }
    this.#called.add(next.listen);
    return next;
  };
}
