import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startTestNats, type TestNats } from "@conat/conat/testing";
import { pickFreePort } from "@conat/hub/nats-server";
import { startTcpProxy, type TcpProxy } from "../tcp-proxy.ts";
import { startTestCluster, type TestCluster } from "../test-cluster.ts";
import type { CastSize } from "./fault.ts";
import { HubProcess } from "./hub-process.ts";
import { PageHost } from "./page-host.ts";
import { type ChaosClient, ProcessClient } from "./process-client.ts";

export interface CastOptions {
  readonly size: CastSize;
  readonly seed: number;
  /** Mean pause between two operations of a client, in milliseconds. */
  readonly pauseMs: number;
  /** Needed for pages. */
  readonly chromiumPath: string | undefined;
}

/** Lines that a fault breaks together: a client's one, or those from a hub to every node. */
export type Lines = readonly TcpProxy[];

/** Every `DIRECT_EVERY`th client is straight on NATS. */
const DIRECT_EVERY = 4;

/** Everything that takes part in a run: real processes, and a line that can break between any two of them. */
export class Cast {
  readonly nodes: readonly TestNats[];
  readonly cluster: TestCluster | undefined;
  readonly hubs: HubProcess[] = [];
  readonly hubLines: Lines[] = [];
  readonly clientLines: Lines[] = [];
  /** Those in processes, at the place of their line. */
  readonly processes: ProcessClient[] = [];
  readonly pages: ChaosClient[] = [];
  /** Every client there ever was. */
  readonly everybody: ChaosClient[] = [];
  readonly #options: CastOptions;
  readonly #folder: string;
  readonly #closers: (() => Promise<unknown>)[] = [];
  #addresses: string[] = [];
  #connections = 0;
  #clients = 0;

  /** Starts servers and hubs; the clients come with {@link startClients}. */
  static async start(options: CastOptions): Promise<Cast> {
    const folder = await mkdtemp(join(tmpdir(), "conat-chaos-"));
    const { nodes } = options.size;
    const cluster = nodes > 1 ? await startTestCluster({ size: nodes }) : undefined;
    const servers = cluster?.nodes ?? [await startTestNats({ port: await pickFreePort() })];
    const cast = new Cast(options, folder, servers, cluster);
    try {
      await cast.#startHubs();
    } catch (error) {
      await cast.close();
      throw error;
    }
    return cast;
  }

  private constructor(
    options: CastOptions,
    folder: string,
    nodes: readonly TestNats[],
    cluster: TestCluster | undefined,
  ) {
    this.#options = options;
    this.#folder = folder;
    this.nodes = nodes;
    this.cluster = cluster;
    this.#closers.push(() => rm(folder, { recursive: true, force: true }));
    this.#closers.push(() => cluster?.stop() ?? Promise.all(nodes.map((node) => node.stop())));
  }

  /** Addresses of all nodes past every line, for who watches. */
  get natsUrl(): string {
    return this.nodes.map((node) => node.url).join(",");
  }

  async startClients(): Promise<void> {
    const { clients, pages } = this.#options.size;
    await mkdir(this.#folder, { recursive: true });
    for (let at = 0; at < clients + pages; at += 1) {
      const isDirect = at < clients && at % DIRECT_EVERY === DIRECT_EVERY - 1;
      const lines = isDirect ? await this.#toNodes() : [await this.#line(() => this.#someHub())];
      this.clientLines.push(lines);
      const [first] = lines;
      this.#addresses.push(isDirect ? natsUrl(lines) : `http://127.0.0.1:${first?.port}`);
    }
    await Promise.all(
      Array.from({ length: clients }, async (_, at) => {
        this.processes[at] = await this.#newClient(at);
      }),
    );
    if (pages > 0) await this.#openPages(pages);
  }

  /** Kills the client at a place and puts a new one there. */
  async replaceClient(at: number): Promise<void> {
    await this.processes[at]?.kill();
    this.processes[at] = await this.#newClient(at);
  }

  /** Clients that are there now. */
  clients(): ChaosClient[] {
    return [...this.processes, ...this.pages];
  }

  async close(): Promise<void> {
    for (const client of this.processes) if (!client.wasKilled) await client.kill();
    for (const close of this.#closers.reverse()) await close();
  }

  async #startHubs(): Promise<void> {
    const { hubs, nodes } = this.#options.size;
    for (let at = 0; at < hubs; at += 1) {
      const lines = await this.#toNodes();
      this.hubLines.push(lines);
      const hub = new HubProcess([
        ...["--dev", "--nats-url", natsUrl(lines), "--replicas", String(nodes)],
        // What takes its time is shorter than in production, so that more of it happens.
        ...["--ping-interval", "1500ms", "--ping-timeout", "1500ms"],
        ...["--drain", "300ms", "--feed-linger", "500ms", "--stop-deadline", "8s"],
        ...["--disconnect-grace", "2s"],
      ]);
      this.hubs.push(hub);
      this.#closers.push(() => hub.end("SIGKILL"));
    }
    await Promise.all(this.hubs.map((hub) => hub.start()));
  }

  async #newClient(at: number): Promise<ProcessClient> {
    const count = this.#clients;
    this.#clients += 1;
    const name = `c${count}`;
    const { seed, pauseMs } = this.#options;
    const client = await ProcessClient.start({
      name,
      address: this.#addresses[at] ?? "",
      seed: seed + count,
      pauseMs,
      logFile: join(this.#folder, `${name}.jsonl`),
    });
    this.everybody.push(client);
    return client;
  }

  async #openPages(count: number): Promise<void> {
    const { chromiumPath, seed, pauseMs, size } = this.#options;
    if (chromiumPath === undefined) throw new Error("a page needs a Chromium: set CONAT_CHROMIUM");
    const host = await PageHost.start(chromiumPath);
    this.#closers.push(() => host.close());
    for (let at = 0; at < count; at += 1) {
      const address = this.#addresses[size.clients + at] ?? "";
      const page = await host.open({ name: `page${at}`, address, seed: seed - 1 - at, pauseMs });
      this.pages.push(page);
      this.everybody.push(page);
    }
  }

  #toNodes(): Promise<TcpProxy[]> {
    return Promise.all(this.nodes.map((node) => this.#line(node.port)));
  }

  async #line(target: Parameters<typeof startTcpProxy>[0]): Promise<TcpProxy> {
    const line = await startTcpProxy(target);
    this.#closers.push(() => line.close());
    return line;
  }

  /** The hubs in turn, as a load balancer does it. */
  #someHub(): number | undefined {
    const ports = this.hubs.flatMap((hub) => hub.port ?? []);
    this.#connections += 1;
    return ports[this.#connections % ports.length];
  }
}

function natsUrl(lines: Lines): string {
  return lines.map((line) => `nats://127.0.0.1:${line.port}`).join(",");
}
