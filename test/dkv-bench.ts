import { type Client, type DKV, type DkvOptions, dkv } from "@conat/conat";
import { afterEach, beforeEach } from "vitest";
import { startTcpProxy, type TcpProxy } from "./tcp-proxy.ts";

/** Where a suite of store behaviour runs: through hubs, or straight on NATS. */
export interface DkvPlace {
  /** An address to connect to; a URL with a port. */
  address(): string;
  /** A new connection that may use the project. */
  connect(address: string, project_id: string): Client;
}

/** What a test of store behaviour works with: a project of its own, and connections that are closed after it. */
export interface DkvBench {
  project(): string;
  newClient(): Client;
  /** The client that was made last. */
  newest(): Client;
  /** A client whose line can be cut and mended. */
  cuttable(): Promise<{ client: Client; line: TcpProxy }>;
  /** Opens the store called "store", over a connection of its own. */
  open<T = unknown>(options?: Partial<DkvOptions<T>>): Promise<DKV<T>>;
  /** The same store over two connections. */
  pair<T = unknown>(options?: Partial<DkvOptions<T>>): Promise<[DKV<T>, DKV<T>]>;
}

/** Call inside a `describe`. */
export function useDkvBench(place: () => DkvPlace): DkvBench {
  let clients: Client[] = [];
  let lines: TcpProxy[] = [];
  let projects = 0;
  let project_id = "";

  beforeEach(() => {
    projects += 1;
    project_id = `project-${process.pid}-${projects}`;
  });

  afterEach(async () => {
    const closing = clients.map((client) => client.close());
    clients = [];
    await Promise.all(closing);
    await Promise.all(lines.map((line) => line.close()));
    lines = [];
  });

  const connectTo = (address: string): Client => {
    const client = place().connect(address, project_id);
    clients.push(client);
    return client;
  };
  const newClient = (): Client => connectTo(place().address());
  const open = <T>(options: Partial<DkvOptions<T>> = {}): Promise<DKV<T>> =>
    dkv<T>({ client: options.client ?? newClient(), project_id, name: "store", ...options });

  return {
    project: () => project_id,
    newClient,
    newest: () => clients.at(-1) ?? newClient(),
    cuttable: async () => {
      const address = new URL(place().address());
      const line = await startTcpProxy(Number(address.port));
      lines.push(line);
      address.port = String(line.port);
      return { client: connectTo(address.href), line };
    },
    open,
    pair: async <T>(options: Partial<DkvOptions<T>> = {}) => [
      await open<T>(options),
      await open<T>(options),
    ],
  };
}
