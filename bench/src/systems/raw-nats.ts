import { type JetStreamManager, jetstream, jetstreamManager } from "@nats-io/jetstream";
import {
  connect,
  createInbox,
  headers,
  type Msg,
  type NatsConnection,
  type PublishOptions,
} from "@nats-io/transport-node";
import { type Connection, type Store, type System, VALUE_BYTES } from "./system.ts";

export interface RawNatsOptions {
  readonly kind: "raw-nats";
  readonly address: string;
  /**
   * Does what nobody can leave out who sends a write again without storing it twice, and shows what is stored: a message
   * id for each, and the writer hears it. @default false
   */
  readonly careful?: boolean;
  /**
   * Where the stream tells what it stores: under a subject for each key, which is all that a listener has to read, or for
   * each store, as a conat bucket does, which is less work for the server. @default "by key"
   */
  readonly tells?: "by key" | "by store";
}

/** A stream of the bench's own, kept like a conat bucket. */
interface Layout {
  readonly stream: string;
  /** What the subjects begin with that are stored, and told. */
  readonly stored: string;
  readonly live: string;
  readonly republish: { readonly src: string; readonly dest: string };
}

export const STREAM = "BENCH";
export const STORED = "bench.kv";
const LIVE = "bench.live";

const BY_KEY: Layout = {
  stream: STREAM,
  stored: STORED,
  live: LIVE,
  republish: { src: `${STORED}.>`, dest: `${LIVE}.>` },
};

const BY_STORE: Layout = {
  stream: "BENCH_BY_STORE",
  stored: "bench-by-store.kv",
  live: "bench-by-store.live",
  republish: { src: "bench-by-store.kv.*.*", dest: "bench-by-store.live.{{wildcard(1)}}" },
};

/** Apart from the stores, whose clients do not hear of them. */
const NUMBERS = `${STORED}.numbers`;

/**
 * The floor on NATS: publishes into a stream with a reply inbox of its own, and subscribes to what the stream
 * republishes. Nothing is decoded, remembered or checked beyond "stored".
 */
export function rawNats({ address, careful = false, tells = "by key" }: RawNatsOptions): System {
  const layout = tells === "by key" ? BY_KEY : BY_STORE;
  return {
    async connect(): Promise<Connection> {
      const connection = await connect({ servers: address, noAsyncTraces: true });
      await ensureStream(await jetstreamManager(connection), layout);
      const acks = new Acks(connection);
      return {
        async open(name) {
          const store = new RawNatsStore(connection, acks, layout, name, careful);
          if (careful) store.onChange(() => {});
          return store;
        },
        close: () => connection.close(),
      };
    },
  };
}

async function ensureStream(
  manager: JetStreamManager,
  { stream, stored, republish }: Layout,
): Promise<void> {
  await manager.streams.add({
    name: stream,
    subjects: [`${stored}.>`],
    max_msgs_per_subject: 1,
    allow_direct: true,
    allow_msg_ttl: true,
    republish,
  });
}

const LETTER_E = 101;

/** One inbox for all acknowledgements of a connection. */
class Acks {
  readonly inbox = createInbox();
  #pending = 0;
  #failed: string | undefined;
  #waiting: { resolve(): void; reject(error: Error): void }[] = [];

  constructor(connection: NatsConnection) {
    connection.subscribe(this.inbox, { callback: (_error, message) => this.#onAck(message) });
  }

  sent(): void {
    this.#pending += 1;
  }

  all(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject });
      if (this.#pending === 0) this.#settle();
    });
  }

  #onAck(message: Msg): void {
    // An answer is {"stream":… or {"error":…; no responders is an empty one.
    if (message.data.length < 3 || message.data[2] === LETTER_E) this.#failed = message.string();
    this.#pending -= 1;
    if (this.#pending === 0) this.#settle();
  }

  #settle(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const { resolve, reject } of waiting) {
      if (this.#failed === undefined) resolve();
      else reject(new Error(`not stored: ${this.#failed}`));
    }
  }
}

class RawNatsStore implements Store {
  readonly size = 0;
  readonly #connection: NatsConnection;
  readonly #acks: Acks;
  readonly #layout: Layout;
  readonly #name: string;
  readonly #hasIds: boolean;
  #counter: RawCounter | undefined;
  #lastId = 0;

  constructor(
    connection: NatsConnection,
    acks: Acks,
    layout: Layout,
    name: string,
    hasIds: boolean,
  ) {
    this.#connection = connection;
    this.#acks = acks;
    this.#layout = layout;
    this.#name = name;
    this.#hasIds = hasIds;
  }

  set(key: string): void {
    this.#acks.sent();
    const subject = `${this.#layout.stored}.${this.#name}.${key}`;
    const options: PublishOptions = { reply: this.#acks.inbox };
    if (this.#hasIds) {
      this.#lastId += 1;
      options.headers = headers();
      options.headers.set("Nats-Msg-Id", `${this.#acks.inbox}.${this.#lastId}`);
    }
    this.#connection.publish(subject, VALUE_BYTES, options);
  }

  confirmed(): Promise<void> {
    return this.#acks.all();
  }

  onChange(listener: (key: string) => void): void {
    const path = `${this.#layout.live}.${this.#name}`;
    // By store the key is in a header, which nobody here reads.
    this.#connection.subscribe(this.#layout === BY_KEY ? `${path}.*` : path, {
      callback: (_error, { subject }) => listener(subject.slice(subject.lastIndexOf(".") + 1)),
    });
  }

  async increment(key: string): Promise<void> {
    this.#counter ??= await RawCounter.open(this.#connection, `${this.#name}.${key}`);
    await this.#counter.increment();
  }

  async count(key: string): Promise<number> {
    this.#counter ??= await RawCounter.open(this.#connection, `${this.#name}.${key}`);
    return this.#counter.count;
  }

  async close(): Promise<void> {}
}

/** Numbers that one process alone writes, for clients of its own. */
export class RawNumbers {
  readonly #connection: NatsConnection;
  readonly #manager: JetStreamManager;
  readonly #acks: Acks;

  static async open(address: string): Promise<RawNumbers> {
    const connection = await connect({ servers: address, noAsyncTraces: true });
    const manager = await jetstreamManager(connection);
    await ensureStream(manager, BY_KEY);
    return new RawNumbers(connection, manager);
  }

  private constructor(connection: NatsConnection, manager: JetStreamManager) {
    this.#connection = connection;
    this.#manager = manager;
    this.#acks = new Acks(connection);
  }

  /** Resolves when it is stored, and every number before it. */
  store(path: string, number: number): Promise<void> {
    this.#acks.sent();
    this.#connection.publish(`${NUMBERS}.${path}`, String(number), { reply: this.#acks.inbox });
    return this.#acks.all();
  }

  /** The number that is stored. */
  async read(path: string): Promise<number> {
    const last = { last_by_subj: `${NUMBERS}.${path}` };
    const message = await this.#manager.streams.getMessage(STREAM, last);
    return message === null ? 0 : Number(message.string());
  }
}

/** A number that many clients add to by compare-and-set, each following the number's changes. */
class RawCounter {
  readonly #connection: NatsConnection;
  readonly #subject: string;
  #seq = 0;
  #count = 0;
  #onChange = (): void => {};

  static async open(connection: NatsConnection, path: string): Promise<RawCounter> {
    const counter = new RawCounter(connection, path);
    await connection.flush();
    const manager = await jetstreamManager(connection);
    const last = await manager.streams.getMessage(STREAM, { last_by_subj: counter.#subject });
    if (last !== null) counter.#apply(last.seq, last.string());
    return counter;
  }

  private constructor(connection: NatsConnection, path: string) {
    this.#connection = connection;
    this.#subject = `${STORED}.${path}`;
    connection.subscribe(`${LIVE}.${path}`, {
      callback: (_error, message) => {
        this.#apply(Number(message.headers?.get("Nats-Sequence")), message.string());
      },
    });
  }

  get count(): number {
    return this.#count;
  }

  async increment(): Promise<void> {
    for (;;) {
      const expect = { lastSubjectSequence: this.#seq };
      const changed = new Promise<void>((resolve) => {
        this.#onChange = resolve;
      });
      try {
        await jetstream(this.#connection).publish(this.#subject, String(this.#count + 1), {
          expect,
        });
        await changed;
        return;
      } catch (error) {
        if (!String(error).includes("wrong last sequence")) throw error;
        await changed;
      }
    }
  }

  #apply(seq: number, text: string): void {
    if (seq <= this.#seq) return;
    this.#seq = seq;
    this.#count = Number(text);
    this.#onChange();
  }
}
