import { Counter, Gauge, Registry } from "prom-client";
import { formatDurations } from "./durations.ts";
import type { Tally } from "./tally.ts";

/** What is counted by whoever holds it, and read only when somebody asks. */
export interface Observed {
  readonly tally: Tally;
  readonly gateway: {
    readonly connections: number;
    readonly openFeeds: number;
    readonly subscriptions: number;
    readonly pendingWrites: number;
    readonly pendingRequests: number;
    readonly waitingFeeds: number;
    readonly outboxBytes: number;
    readonly largestOutboxBytes: number;
  };
  readonly session: {
    readonly openStores: number;
    readonly openTopics: number;
    readonly replicaBytes: number;
  };
  readonly rules: { readonly views: number };
  /** Undefined where projects' backends do not come through NATS. */
  readonly gate: { readonly tunnels: number } | undefined;
  readonly isReady: () => boolean;
}

/** The hub's metrics in the format of Prometheus. */
export interface MetricsPage {
  readonly contentType: string;
  read(): Promise<string>;
}

export function createMetricsPage({
  tally,
  gateway,
  session,
  rules,
  gate,
  isReady,
}: Observed): MetricsPage {
  const registry = new Registry();
  const registers = [registry];

  const gauge = (name: string, help: string, read: () => number): void => {
    new Gauge({
      name,
      help,
      registers,
      collect() {
        this.set(read());
      },
    });
  };
  const counter = (name: string, help: string, read: () => number): void => {
    new Counter({
      name,
      help,
      registers,
      collect() {
        this.reset();
        this.inc(read());
      },
    });
  };
  const labelled = (
    name: string,
    help: string,
    label: string,
    read: () => ReadonlyMap<string, number>,
  ): void => {
    new Counter({
      name,
      help,
      registers,
      labelNames: [label],
      collect() {
        this.reset();
        for (const [value, count] of read()) this.inc({ [label]: value }, count);
      },
    });
  };

  gauge("conat_ready", "1 while clients can be served", () => (isReady() ? 1 : 0));
  gauge("conat_connections", "Clients that are connected", () => gateway.connections);
  gauge("conat_backend_tunnels", "Ways of projects' backends through NATS to here", () =>
    gate === undefined ? 0 : gate.tunnels,
  );
  gauge("conat_open_feeds", "Stores that clients hold open", () => gateway.openFeeds);
  gauge("conat_subscriptions", "Topics that clients listen to", () => gateway.subscriptions);
  gauge("conat_pending_writes", "Writes not yet answered", () => gateway.pendingWrites);
  gauge(
    "conat_pending_requests",
    "Reads and requests about stores not yet answered",
    () => gateway.pendingRequests,
  );
  gauge(
    "conat_waiting_feeds",
    "Feeds with something that their reader has no room for",
    () => gateway.waitingFeeds,
  );
  gauge(
    "conat_outbox_bytes",
    "Bytes that wait for clients to read them",
    () => gateway.outboxBytes,
  );
  gauge(
    "conat_largest_outbox_bytes",
    "Bytes that wait for the slowest client",
    () => gateway.largestOutboxBytes,
  );
  gauge("conat_open_stores", "Stores with a replica here", () => session.openStores);
  gauge("conat_views", "Parts of stores that rules make for an audience", () => rules.views);
  gauge("conat_open_topics", "Topics subscribed to upstream", () => session.openTopics);
  gauge("conat_replica_bytes", "Memory of replicas, estimated", () => session.replicaBytes);
  gauge("conat_resident_memory_bytes", "Memory of the process", () => process.memoryUsage.rss());
  counter("conat_connections_total", "Clients that were let in", () => tally.connectionsAccepted);
  counter("conat_frames_in_total", "Frames from clients", () => tally.framesIn);
  counter("conat_frames_out_total", "Frames to clients", () => tally.framesOut);
  counter("conat_bytes_in_total", "Bytes from clients", () => tally.bytesIn);
  counter("conat_bytes_out_total", "Bytes to clients", () => tally.bytesOut);
  counter(
    "conat_slow_readers_total",
    "Feeds that paused because their reader did not keep up",
    () => tally.slowReaders,
  );
  counter(
    "conat_lagged_messages_total",
    "PubSub messages dropped because their reader did not keep up",
    () => tally.laggedMessages,
  );
  labelled("conat_refused_total", "Refusals by kind of error", "kind", () => tally.refused);
  labelled("conat_notices_total", "Revocations and the like in force", "type", () => tally.notices);
  counter("conat_rule_errors_total", "Rules that threw, and so denied", () => tally.ruleErrors);
  labelled("conat_limited_total", "Limits that were met", "limit", () => tally.limited);
  labelled("conat_ignored_total", "Frames without an answer", "reason", () => tally.ignored);
  const help = "Time from a client's message to the answer, by operation";
  return {
    contentType: registry.contentType,
    async read() {
      const durations = formatDurations("conat_operation_seconds", help, tally.durations);
      return `${await registry.metrics()}\n${durations}`;
    },
  };
}
