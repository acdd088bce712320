import { type Client, type DKV, type DkvOptions, dkv } from "@conat/conat";
import { afterEach, beforeEach } from "vitest";

/** Where a suite of store behaviour runs: through a hub, or straight on NATS. */
export interface DkvPlace {
  /** A new connection that may use the project. */
  connect(project_id: string): Client;
}

/** What a test of store behaviour works with: a project of its own, and connections that are closed after it. */
export interface DkvBench {
  project(): string;
  newClient(): Client;
  /** The client that was made last. */
  newest(): Client;
  /** Opens the store called "store", over a connection of its own. */
  open<T = unknown>(options?: Partial<DkvOptions<T>>): Promise<DKV<T>>;
  /** The same store over two connections. */
  pair<T = unknown>(options?: Partial<DkvOptions<T>>): Promise<[DKV<T>, DKV<T>]>;
}

/** Call inside a `describe`. */
export function useDkvBench(place: () => DkvPlace): DkvBench {
  let clients: Client[] = [];
  let projects = 0;
  let project_id = "";

  beforeEach(() => {
    projects += 1;
    project_id = `project-${process.pid}-${projects}`;
  });

  afterEach(async () => {
    const open = clients;
    clients = [];
    await Promise.all(open.map((client) => client.close()));
  });

  const newClient = (): Client => {
    const client = place().connect(project_id);
    clients.push(client);
    return client;
  };
  const open = <T>(options: Partial<DkvOptions<T>> = {}): Promise<DKV<T>> =>
    dkv<T>({ client: newClient(), project_id, name: "store", ...options });

  return {
    project: () => project_id,
    newClient,
    newest: () => clients.at(-1) ?? newClient(),
    open,
    pair: async <T>(options: Partial<DkvOptions<T>> = {}) => [
      await open<T>(options),
      await open<T>(options),
    ],
  };
}
