import type { deepstreamServer } from "../../peers/deepstream-server.ts";
import type { prsmServer } from "../../peers/prsm-server.ts";
import type { LoadOptions, loadProcess } from "../load/load-process.ts";
import type { Sample } from "../load/sample.ts";
import type { HubProcessOptions, hubProcess } from "../servers/hub-process.ts";
import type { SocketioServerOptions, socketioServer } from "../servers/socketio-server.ts";
import type { UsedMemory } from "../servers/used-memory.ts";
import type { SystemOptions } from "../systems/open-system.ts";
import type { Role, Side } from "./bench.ts";
import { CuttableLine } from "./cuttable-line.ts";
import { NatsServer } from "./nats-server.ts";
import { NodeProcess, type NodeProcessOptions } from "./node-process.ts";
import type { Peer } from "./peers.ts";
import { Redis } from "./redis.ts";
import type { Methods } from "./serve.ts";

/** A server and where it is. */
export interface Server {
  readonly url: string;
  readonly pid: number;
}

/** A server of the bench's own that says how much memory it holds. */
export interface OwnServer extends Server {
  memory(): Promise<UsedMemory>;
}

export interface StageOptions {
  readonly natsServerBinary: string;
  /** Other systems that can be compared with. */
  readonly peers: ReadonlySet<Peer>;
  /** Folder for a processor profile of every Node process. */
  readonly cpuProfileDir?: string | undefined;
}

export interface SideOptions {
  readonly name: string;
  readonly role: Role;
  readonly system: SystemOptions;
  readonly load: LoadOptions;
  /** Servers that work for it, by what they do. */
  readonly servers: Readonly<Record<string, Server>>;
  /** More flags for Node in the load's process. */
  readonly flags?: readonly string[];
}

/** Everything that one bench has started. Closing it ends all of that. */
export class Stage {
  readonly #options: StageOptions;
  readonly #started: { stop(): Promise<void> }[] = [];
  readonly #nodes = new Set<NodeProcess<Methods>>();

  constructor(options: StageOptions) {
    this.#options = options;
  }

  async nats(): Promise<Server> {
    const server = await NatsServer.start(this.#options.natsServerBinary);
    this.#started.push(server);
    return server;
  }

  async hub(options: HubProcessOptions, flags: readonly string[] = []): Promise<OwnServer> {
    const node = this.node<typeof hubProcess>({ module: "servers/hub-process.ts", flags });
    const url = await node.call("start", options);
    return { url, pid: node.pid, memory: () => node.call("memory", undefined as never) };
  }

  /** The raw Socket.IO server; with NATS behind it when it has an address. */
  async socketio(
    options: SocketioServerOptions = {},
    flags: readonly string[] = [],
  ): Promise<OwnServer> {
    const node = this.node<typeof socketioServer>({ module: "servers/socketio-server.ts", flags });
    const url = await node.call("listen", options);
    return { url, pid: node.pid, memory: () => node.call("memory", undefined as never) };
  }

  /** The same load on other systems, as far as they are there; they run from now on. */
  async peers(load: LoadOptions, wanted: readonly Peer[]): Promise<Side[]> {
    const sides: Side[] = [];
    for (const peer of wanted.filter((one) => this.#options.peers.has(one))) {
      const servers = await this.#peerServers(peer);
      const system = { kind: peer, address: servers.server.url };
      sides.push(await this.side({ name: peer, role: "peer", system, load, servers }));
    }
    return sides;
  }

  async #peerServers(peer: Peer): Promise<{ server: Server; redis?: Server }> {
    switch (peer) {
      case "prsm":
        return this.#prsm();
      case "deepstream":
        return this.#deepstream();
      case "socket.io-msgpack-parser":
        return { server: await this.socketio({ parser: peer }) };
    }
  }

  async #deepstream(): Promise<{ server: Server }> {
    const node = this.node<typeof deepstreamServer>({ module: "../peers/deepstream-server.ts" });
    return { server: { url: await node.call("listen", undefined as never), pid: node.pid } };
  }

  async #prsm(): Promise<{ server: Server; redis: Server }> {
    const redis = await Redis.start();
    this.#started.push(redis);
    const node = this.node<typeof prsmServer>({ module: "../peers/prsm-server.ts" });
    const url = await node.call("listen", redis.port);
    return { server: { url, pid: node.pid }, redis: { url: "", pid: redis.pid } };
  }

  /** A load, ready to run in a process of its own. */
  async side({ name, role, system, load, servers, flags }: SideOptions): Promise<Side> {
    const node = this.node<typeof loadProcess>({ module: "load/load-process.ts", flags });
    await node.call("open", { system, load });
    const pids = Object.entries(servers).map(([what, { pid }]) => [what, pid] as const);
    return {
      name,
      role,
      processes: { ...Object.fromEntries(pids), load: node.pid },
      measure: (scale) => node.call("measure", scale),
    };
  }

  /**
   * Runs a load once, to fill a store for example, and ends its process.
   * @param during is awaited before that.
   */
  async run(
    system: SystemOptions,
    load: LoadOptions,
    during?: (sample: Sample) => Promise<void>,
  ): Promise<void> {
    const node = this.node<typeof loadProcess>({ module: "load/load-process.ts" });
    await node.call("open", { system, load });
    const sample = await node.call("measure", 1);
    await during?.(sample);
    await node.stop();
  }

  /** Something else to end together with the rest. */
  own(one: { stop(): Promise<void> }): void {
    this.#started.push(one);
  }

  async line(url: string): Promise<CuttableLine> {
    const line = await CuttableLine.start(url);
    this.#started.push(line);
    return line;
  }

  node<M extends Methods>({ flags = [], ...options }: NodeProcessOptions): NodeProcess<M> {
    const { cpuProfileDir } = this.#options;
    const profile =
      cpuProfileDir === undefined ? [] : ["--cpu-prof", `--cpu-prof-dir=${cpuProfileDir}`];
    const node = new NodeProcess<M>({
      ...options,
      flags: [...flags, ...profile],
      // A load whose server is gone would wait for ever.
      onLost: (error) => {
        for (const other of this.#nodes) other.fail(error);
      },
    });
    this.#started.push(node);
    this.#nodes.add(node);
    return node;
  }

  /** Ends the loads first and the servers last. */
  async close(): Promise<void> {
    for (const one of this.#started.splice(0).reverse()) await one.stop();
  }
}
