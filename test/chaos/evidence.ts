import { eventually } from "@conat/conat/testing";
import {
  AckPolicy,
  DeliverPolicy,
  type JetStreamManager,
  jetstream,
  jetstreamManager,
} from "@nats-io/jetstream";
import { connect, type MsgHdrs, type NatsConnection } from "@nats-io/transport-node";
import { STORES, type StoreName } from "./history.ts";
import { PROJECT } from "./workload.ts";

/** Stream of the bucket for what is kept, and for what is not. */
export const BUCKET_STREAM = "KV_conat-p0";
const MEMORY_STREAM = "KV_conat-e0";

/** A stream of our own that sources the bucket and keeps every message. */
const AUDIT_STREAM = "AUDIT";

/** Messages fetched at once. */
const BATCH = 2_000;

/** A stream that sources another one asks again after some 10 s where nobody answered. */
const COPY_WITHIN_MS = 40_000;

/** Its pauses grow with the failures before; a new leader begins anew. So often one is made while messages are missing. */
const NEW_LEADER_EVERY_MS = 12_000;

/** One message that was stored. */
export interface StoredFact {
  readonly store: StoreName;
  readonly key: string;
  readonly seq: number;
  /** When it was stored, in milliseconds since the epoch. */
  readonly time: number;
  /** Null for a removal. */
  readonly value: unknown;
  /** Id that the writer gave to the write; "" when there was none. */
  readonly id: string;
}

/** What the servers say was stored. */
export interface Evidence {
  /** Everything that any witness saw, by sequence; of the stores on disk only. */
  readonly facts: ReadonlyMap<number, StoredFact>;
  /** Newest fact of each key now, removals included; memory included. */
  readonly bucket: readonly StoredFact[];
  readonly lastSeq: number;
  /** Sequences that no witness saw: overwritten before they were copied, while a server was down. */
  readonly unseen: number;
  /** Messages in the stream that sources the bucket. */
  readonly copied: number;
  /** Messages that the bucket holds and that stream does not, although it had time. */
  readonly uncopied: readonly StoredFact[];
}

/**
 * Watches what is stored, past every line that breaks: by a second stream that sources the bucket, and by listening to
 * what every node republishes. Either may miss something when a server dies; what one misses the other has seen.
 */
export class Witness {
  readonly #servers: readonly string[];
  readonly #facts = new Map<number, StoredFact>();
  readonly #connections: NatsConnection[] = [];

  /** @param url addresses of all nodes, with the buckets already made */
  static async start(url: string): Promise<Witness> {
    const witness = new Witness(url.split(","));
    await witness.#start();
    return witness;
  }

  private constructor(servers: readonly string[]) {
    this.#servers = servers;
  }

  /** Everything that was stored so far. */
  async collect(): Promise<Evidence> {
    const connection = await this.#connect(this.#servers);
    const manager = await jetstreamManager(connection);
    const bucket = await readAll(connection, manager, BUCKET_STREAM);
    for (const fact of bucket) this.#facts.set(fact.seq, fact);
    const copies = new Map<number, StoredFact>();
    let uncopied = bucket;
    let startedAt = performance.now();
    await eventually(
      async () => {
        if (performance.now() - startedAt > NEW_LEADER_EVERY_MS) {
          startedAt = performance.now();
          await connection.request(`$JS.API.STREAM.LEADER.STEPDOWN.${AUDIT_STREAM}`);
        }
        for (const fact of await readAll(connection, manager, AUDIT_STREAM)) {
          copies.set(fact.seq, fact);
        }
        // What was overwritten since cannot be copied any more.
        const held = new Set((await readAll(connection, manager, BUCKET_STREAM)).map(seqOf));
        uncopied = uncopied.filter(({ seq }) => held.has(seq) && !copies.has(seq));
        return uncopied.length === 0;
      },
      { timeoutMs: COPY_WITHIN_MS, intervalMs: 500 },
    ).catch(() => undefined);
    for (const fact of copies.values()) this.#facts.set(fact.seq, fact);
    const { state } = await manager.streams.info(BUCKET_STREAM);
    let unseen = 0;
    for (let seq = 1; seq <= state.last_seq; seq += 1) if (!this.#facts.has(seq)) unseen += 1;
    const memory = await readAll(connection, manager, MEMORY_STREAM);
    return {
      facts: this.#facts,
      bucket: [...bucket, ...memory],
      lastSeq: state.last_seq,
      unseen,
      copied: copies.size,
      uncopied,
    };
  }

  /** What the buckets hold now. */
  async bucket(): Promise<readonly StoredFact[]> {
    const [connection] = this.#connections;
    if (connection === undefined) throw new Error("the witness has been closed");
    const manager = await jetstreamManager(connection);
    return [
      ...(await readAll(connection, manager, BUCKET_STREAM)),
      ...(await readAll(connection, manager, MEMORY_STREAM)),
    ];
  }

  async close(): Promise<void> {
    await Promise.all(this.#connections.map((connection) => connection.close()));
  }

  async #start(): Promise<void> {
    const connection = await this.#connect(this.#servers);
    const manager = await jetstreamManager(connection);
    const { config } = await manager.streams.info(BUCKET_STREAM);
    await manager.streams.add({
      name: AUDIT_STREAM,
      sources: [{ name: BUCKET_STREAM }],
      num_replicas: config.num_replicas,
    });
    for (const server of this.#servers) {
      const listener = await this.#connect([server]);
      listener.subscribe("conat-live.conat-p0.>", {
        callback: (error, message) => {
          const { headers } = message;
          if (error || headers === undefined) return;
          const seq = Number(headers.get("Nats-Sequence"));
          const time = Date.parse(headers.get("Nats-Time-Stamp"));
          const fact = toFact(headers.get("Nats-Subject"), seq, time, headers, message.string());
          if (fact !== undefined) this.#facts.set(seq, fact);
        },
      });
    }
  }

  async #connect(servers: readonly string[]): Promise<NatsConnection> {
    const connection = await connect({
      servers: [...servers],
      maxReconnectAttempts: -1,
      reconnectTimeWait: 20,
      waitOnFirstConnect: true,
    });
    this.#connections.push(connection);
    return connection;
  }
}

const seqOf = ({ seq }: StoredFact): number => seq;

async function readAll(
  connection: NatsConnection,
  manager: JetStreamManager,
  stream: string,
): Promise<StoredFact[]> {
  const facts: StoredFact[] = [];
  const { name } = await manager.consumers.add(stream, {
    ack_policy: AckPolicy.None,
    deliver_policy: DeliverPolicy.All,
    mem_storage: true,
    inactive_threshold: 30e9,
  });
  const consumer = await jetstream(connection).consumers.get(stream, name);
  for (;;) {
    const { num_pending } = await consumer.info();
    if (num_pending === 0) break;
    const messages = await consumer.fetch({ max_messages: BATCH, expires: 5_000 });
    for await (const message of messages) {
      // "<stream> <sequence> …" where the message was copied from.
      const source = message.headers?.get("Nats-Stream-Source") ?? "";
      const seq = source === "" ? message.seq : Number(source.split(" ")[1]);
      const time = message.info.timestampNanos / 1e6;
      const fact = toFact(message.subject, seq, time, message.headers, message.string());
      if (fact !== undefined) facts.push(fact);
      if (message.info.pending === 0) break;
    }
  }
  await manager.consumers.delete(stream, name);
  return facts;
}

/** A message of the run's stores; names in it are chosen so that they need no decoding. */
function toFact(
  subject: string,
  seq: number,
  time: number,
  headers: MsgHdrs | undefined,
  text: string,
): StoredFact | undefined {
  const [, , scope, id, name, key] = subject.split(".");
  const store = STORES.find((one) => one === name);
  if (scope !== "project" || id !== PROJECT || store === undefined || key === undefined) {
    return undefined;
  }
  const isRemoval = headers?.has("KV-Operation") || headers?.has("Nats-Marker-Reason");
  const value: unknown = isRemoval ? null : JSON.parse(text);
  return { store, key, seq, time, value, id: headers?.get("Nats-Msg-Id") ?? "" };
}
