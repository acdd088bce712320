import { jetstreamManager } from "@nats-io/jetstream";
import { connect, createInbox, type NatsConnection } from "@nats-io/transport-node";
import { STORED, STREAM } from "./raw-nats.ts";

/** What a raw client has to read to have what it missed. */
export interface RawBatch {
  readonly ms: number;
  /** Keys and values, without any header. */
  readonly bytes: number;
}

/** Reads the newest entries of a store of `rawNats` in one direct batch get. */
export class RawBatchReader {
  readonly #connection: NatsConnection;
  readonly #filter: string;

  private constructor(connection: NatsConnection, store: string) {
    this.#connection = connection;
    this.#filter = `${STORED}.${store}.*`;
  }

  static async open(address: string, store: string): Promise<RawBatchReader> {
    return new RawBatchReader(await connect({ servers: address, noAsyncTraces: true }), store);
  }

  async read(count: number): Promise<RawBatch> {
    const manager = await jetstreamManager(this.#connection);
    const { state } = await manager.streams.info(STREAM);
    const request = { seq: state.last_seq - count + 1, next_by_subj: this.#filter, batch: count };
    const started = performance.now();
    let bytes = 0;
    let left = count;
    await new Promise<void>((resolve) => {
      const inbox = createInbox();
      const subscription = this.#connection.subscribe(inbox, {
        callback: (_error, { headers, data }) => {
          const subject = headers?.get("Nats-Subject");
          if (!subject) return;
          bytes += subject.length - this.#filter.length + 1 + data.length;
          left -= 1;
          if (left > 0) return;
          subscription.unsubscribe();
          resolve();
        },
      });
      const subject = `$JS.API.DIRECT.GET.${STREAM}`;
      this.#connection.publish(subject, JSON.stringify(request), { reply: inbox });
    });
    return { ms: performance.now() - started, bytes };
  }

  async stop(): Promise<void> {
    await this.#connection.close();
  }
}
