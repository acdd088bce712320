import { connect, type DKV, dkv } from "@conat/conat";
import { type Entry, parseScope, type Session } from "@conat/conat/internal";
import type { Connection, Store, System, Value } from "./system.ts";

export interface ConatOptions {
  readonly kind: "conat";
  /** A hub's `http:` address, or NATS's `nats:` address. */
  readonly address: string;
  readonly ephemeral?: boolean;
  /** Two sides that both write need one each, or they get each other's changes. @default "bench" */
  readonly project?: string;
  /**
   * Readers that are no stores. `entries`: they see entries and decode no values, which is what a client costs without
   * what its application does. `kept`: they decode each value and keep it with its entry, for the newest of each key, and
   * nothing else, which is the least that a store could do: what it shows, and what a write or a merge has to name.
   */
  readonly readers?: "entries" | "kept";
}

/** What is measured: `dkv()`, through a hub or straight on NATS. */
export function conat(options: ConatOptions): System {
  const { address, ephemeral = false, project: project_id = "bench" } = options;
  const isHub = address.startsWith("http");
  return {
    async connect(): Promise<Connection> {
      accounts += 1;
      const identity = { account_id: `bench-${accounts}`, projects: [project_id] };
      const client = connect({ address, identity: isHub ? identity : undefined });
      await client.ready();
      return {
        async open(name) {
          const store = { client, project_id, name, ephemeral, ...OUTBOX };
          return new ConatStore(await dkv<Value | number>(store));
        },
        ...(options.readers && {
          follow: (name: string, listener: () => void) =>
            followEntries(
              client.session,
              project_id,
              name,
              options.readers === "kept" ? keeper(listener) : listener,
            ),
        }),
        reconnected: () => client.ready(),
        close: () => client.close(),
      };
    },
  };
}

/** Every client is somebody else, as browsers are. */
let accounts = 0;

/** The load waits for confirmation itself, after as many writes as a row says. */
const OUTBOX = { maxOutboxWrites: 1_000_000, maxOutboxBytes: 1_000_000_000 };

/** Resolves when the feed is live; calls `listener` for each entry from then on. */
function followEntries(
  session: Session,
  project_id: string,
  name: string,
  listener: (entry: Entry) => void,
): Promise<void> {
  const ref = { scope: parseScope({ project_id }), name, ephemeral: false, service: "" };
  return new Promise((resolve, reject) => {
    let isLive = false;
    session.openStore(ref, (event) => {
      if (event.type === "closed") reject(event.error);
      else if (event.type === "entries" && isLive) event.batch.entries.forEach(listener);
      else if (event.type === "synced") {
        isLive = true;
        resolve();
      }
    });
  });
}

const fromUtf8 = new TextDecoder();

function keeper(listener: () => void): (entry: Entry) => void {
  const kept = new Map<string, { entry: Entry; value: Value }>();
  return (entry) => {
    const { key, buffer, start, end } = entry;
    const value: Value = JSON.parse(fromUtf8.decode(buffer.subarray(start, end)));
    const before = kept.get(key);
    if (before === undefined) kept.set(key, { entry, value });
    else {
      before.entry = entry;
      before.value = value;
    }
    listener();
  };
}

class ConatStore implements Store {
  readonly #store: DKV<Value | number>;
  #refused: Error | undefined;

  constructor(store: DKV<Value | number>) {
    this.#store = store;
    store.on("reject", ({ error }) => {
      this.#refused = error;
    });
  }

  get size(): number {
    return this.#store.size;
  }

  set(key: string, value: Value, ttlMs?: number): void {
    this.#store.set(key, value, ttlMs === undefined ? {} : { ttlMs });
  }

  async confirmed(): Promise<void> {
    await this.#store.save({ timeoutMs: 120_000 });
    if (this.#refused) throw this.#refused;
  }

  onChange(listener: (key: string) => void): void {
    this.#store.on("change", ({ key, value }) => {
      // As an application would, it looks at the value, which decodes it.
      if (value !== undefined) listener(key);
    });
  }

  async increment(key: string): Promise<void> {
    await this.#store.update(key, (value) => (typeof value === "number" ? value + 1 : 1));
  }

  async count(key: string): Promise<number> {
    return Number(this.#store.get(key) ?? 0);
  }

  readAll(): void {
    for (const key of this.#store.keys()) this.#store.get(key);
  }

  close(): Promise<void> {
    return this.#store.close();
  }
}
