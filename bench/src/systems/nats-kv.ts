import { type KV, Kvm } from "@nats-io/kv";
import { connect } from "@nats-io/transport-node";
import type { Connection, Store, System, Value } from "./system.ts";

export interface NatsKvOptions {
  readonly kind: "nats-kv";
  readonly address: string;
}

/** NATS KV as its own client offers it: one bucket per store, `put`, and one watcher per client. */
export function natsKv({ address }: NatsKvOptions): System {
  return {
    async connect(): Promise<Connection> {
      const connection = await connect({ servers: address });
      return {
        async open(name) {
          const store = new NatsKvStore(await new Kvm(connection).create(`bench-${name}`));
          await store.watch();
          return store;
        },
        close: () => connection.close(),
      };
    },
  };
}

class NatsKvStore implements Store {
  readonly #bucket: KV;
  readonly #values = new Map<string, unknown>();
  readonly #listeners: ((key: string) => void)[] = [];
  #pending: Promise<unknown>[] = [];
  #stop: (() => void) | undefined;

  constructor(bucket: KV) {
    this.#bucket = bucket;
  }

  get size(): number {
    return this.#values.size;
  }

  async watch(): Promise<void> {
    const watcher = await this.#bucket.watch();
    this.#stop = () => watcher.stop();
    const { values: count } = await this.#bucket.status();
    await new Promise<void>((resolve) => {
      if (count === 0) resolve();
      void (async () => {
        for await (const entry of watcher) {
          this.#values.set(entry.key, entry.json());
          if (this.#values.size >= count) resolve();
          for (const listener of this.#listeners) listener(entry.key);
        }
      })();
    });
  }

  set(key: string, value: Value): void {
    this.#pending.push(this.#bucket.put(key, JSON.stringify(value)));
  }

  async confirmed(): Promise<void> {
    const pending = this.#pending;
    this.#pending = [];
    await Promise.all(pending);
  }

  onChange(listener: (key: string) => void): void {
    this.#listeners.push(listener);
  }

  async increment(key: string): Promise<void> {
    for (;;) {
      const entry = await this.#bucket.get(key);
      try {
        if (entry === null) await this.#bucket.create(key, "1");
        else await this.#bucket.update(key, String(entry.json<number>() + 1), entry.revision);
        return;
      } catch (error) {
        if (!String(error).includes("wrong last sequence")) throw error;
      }
    }
  }

  async count(key: string): Promise<number> {
    return (await this.#bucket.get(key))?.json<number>() ?? 0;
  }

  async close(): Promise<void> {
    this.#stop?.();
  }
}
