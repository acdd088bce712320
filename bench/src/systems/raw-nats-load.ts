import { AckPolicy, type JetStreamManager, jetstreamManager } from "@nats-io/jetstream";
import { connect, createInbox, type NatsConnection } from "@nats-io/transport-node";
import { STORED, STREAM } from "./raw-nats.ts";
import type { Connection, Store, System } from "./system.ts";

export interface RawNatsLoadOptions {
  readonly kind: "raw-nats-load";
  readonly address: string;
}

/** At 1,000 and more the round trip no longer shows. */
const BATCH = 5_000;
const EXPIRES_NANOS = 5_000_000_000;

/** The floor of a load: reads a store of `rawNats` through a temporary pull consumer into a Map of bytes. */
export function rawNatsLoad({ address }: RawNatsLoadOptions): System {
  return {
    async connect(): Promise<Connection> {
      const connection = await connect({ servers: address, noAsyncTraces: true });
      const manager = await jetstreamManager(connection);
      return {
        async open(name) {
          return loaded(await loadAll(connection, manager, name));
        },
        close: () => connection.close(),
      };
    },
  };
}

async function loadAll(
  connection: NatsConnection,
  manager: JetStreamManager,
  name: string,
): Promise<Map<string, Uint8Array>> {
  const values = new Map<string, Uint8Array>();
  const consumer = await manager.consumers.add(STREAM, {
    name: `load-${crypto.randomUUID()}`,
    filter_subject: `${STORED}.${name}.*`,
    ack_policy: AckPolicy.None,
    mem_storage: true,
  });
  if (consumer.num_pending > 0) {
    await new Promise<void>((resolve) => {
      const inbox = createInbox();
      const pull = (): void => {
        const request = JSON.stringify({ batch: BATCH, expires: EXPIRES_NANOS });
        const next = `$JS.API.CONSUMER.MSG.NEXT.${STREAM}.${consumer.name}`;
        connection.publish(next, request, { reply: inbox });
      };
      const subscription = connection.subscribe(inbox, {
        callback: (_error, { subject, data }) => {
          values.set(subject.slice(subject.lastIndexOf(".") + 1), data);
          if (values.size === consumer.num_pending) {
            subscription.unsubscribe();
            resolve();
          } else if (values.size % BATCH === BATCH / 2) pull();
        },
      });
      pull();
    });
  }
  await manager.consumers.delete(STREAM, consumer.name);
  return values;
}

function loaded(values: Map<string, Uint8Array>): Store {
  const readOnly = (): never => {
    throw new Error("a raw load is only read");
  };
  return {
    get size() {
      return values.size;
    },
    set: readOnly,
    confirmed: readOnly,
    onChange: readOnly,
    close: async () => values.clear(),
  };
}
