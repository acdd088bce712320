import { get } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import type { Client } from "@conat/conat";

/** What a process, its hub and its nats-server hold. Everything that is opened and closed again leaves it as it was. */
export interface Counts {
  /** Sockets, servers and child processes of this process. Timers come and go while a connection stands. */
  readonly handles: number;
  /** Listeners of the process, and of the sessions that are watched. */
  readonly listeners: number;
  /** Feeds that are open on those sessions. */
  readonly feeds: number;
  /** Subscriptions and connections that nats-server knows. */
  readonly subscriptions: number;
  readonly natsConnections: number;
  /** Clients, feeds and replicas of the hub. */
  readonly hubConnections: number;
  readonly hubFeeds: number;
  readonly replicas: number;
}

export interface CountedServers {
  /** Address of nats-server's monitoring. */
  readonly monitorUrl: string;
  readonly hubUrl: string;
}

/** A count may be higher for a moment, while something is under way: so often it is taken, and the lowest is what counts. */
const SAMPLES = 20;
const SAMPLE_PAUSE_MS = 25;

const open = { feeds: 0, listeners: 0 };

/** Counts from now on what is opened on a client, and what listens to it. */
export function watchClient(client: Client): void {
  const { session } = client;
  const openStore = session.openStore.bind(session);
  const onStatus = session.onStatus.bind(session);
  const watched: Pick<Client["session"], "openStore" | "onStatus"> = {
    openStore(...args) {
      const feed = openStore(...args);
      open.feeds += 1;
      const end = once(() => {
        open.feeds -= 1;
      });
      return {
        close() {
          end();
          feed.close();
        },
      };
    },
    onStatus(listener) {
      const stop = onStatus(listener);
      open.listeners += 1;
      const end = once(() => {
        open.listeners -= 1;
      });
      return () => {
        end();
        stop();
      };
    },
  };
  Object.assign(session, watched);
}

/** What is open while nothing is under way. */
export async function readCounts(servers: CountedServers): Promise<Counts> {
  let lowest = await sample(servers);
  for (let count = 1; count < SAMPLES; count += 1) {
    await sleep(SAMPLE_PAUSE_MS);
    const next = await sample(servers);
    const names = Object.keys(lowest) as (keyof Counts)[];
    const entries = names.map((name) => [name, Math.min(lowest[name], next[name])]);
    lowest = Object.fromEntries(entries) as unknown as Counts;
  }
  return lowest;
}

async function sample({ monitorUrl, hubUrl }: CountedServers): Promise<Counts> {
  // Before anything is asked: that takes sockets of its own.
  const handles = process.getActiveResourcesInfo().filter((kind) => kind !== "Timeout").length;
  const { subscriptions, connections } = JSON.parse(await fetchText(`${monitorUrl}/varz`));
  const metrics = await fetchText(`${hubUrl}/metrics`);
  const metric = (name: string): number =>
    Number(new RegExp(`^${name} (\\S+)$`, "m").exec(metrics)?.[1]);
  return {
    handles,
    listeners: processListeners() + open.listeners,
    feeds: open.feeds,
    subscriptions: Number(subscriptions),
    natsConnections: Number(connections),
    hubConnections: metric("conat_connections"),
    hubFeeds: metric("conat_open_feeds"),
    replicas: metric("conat_open_stores"),
  };
}

function processListeners(): number {
  return process.eventNames().reduce((sum, name) => sum + process.listenerCount(name), 0);
}

/** Over a connection of its own: one that is kept for the next request would count as a handle. */
function fetchText(url: string): Promise<string> {
  return new Promise((resolve, reject) => {
    get(url, { agent: false }, (response) => {
      let text = "";
      response.setEncoding("utf8");
      response.on("data", (chunk: string) => {
        text += chunk;
      });
      response.once("end", () => resolve(text));
      response.once("error", reject);
    }).once("error", reject);
  });
}

function once(work: () => void): () => void {
  let isDone = false;
  return () => {
    if (!isDone) work();
    isDone = true;
  };
}
