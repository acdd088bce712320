import { DeepstreamClient, type DeepstreamRecord } from "@deepstream/client";
import type { Connection, Store, System, Value } from "../src/systems/system.ts";
import { makeKey } from "../src/systems/system.ts";

/** deepstream: a key is a record, which a reader subscribes to. */
export function deepstream(address: string): System {
  return {
    async connect(): Promise<Connection> {
      const client = new DeepstreamClient(address);
      await client.login();
      return {
        open: async (name, keys) => new DeepstreamStore(client, name, keys),
        close: async () => client.close(),
      };
    },
  };
}

class DeepstreamStore implements Store {
  readonly size = 0;
  readonly #client: DeepstreamClient;
  readonly #name: string;
  readonly #keys: number;
  #pending = 0;
  #refused: string | undefined;
  #waiting: (() => void)[] = [];

  constructor(client: DeepstreamClient, name: string, keys: number) {
    this.#client = client;
    this.#name = name;
    this.#keys = keys;
  }

  set(key: string, value: Value): void {
    this.#pending += 1;
    this.#client.record.setData(`${this.#name}/${key}`, value, (error) => {
      if (error) this.#refused = error;
      this.#pending -= 1;
      if (this.#pending > 0) return;
      for (const resolve of this.#waiting.splice(0)) resolve();
    });
  }

  async confirmed(): Promise<void> {
    if (this.#pending > 0) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    if (this.#refused !== undefined) throw new Error(`not stored: ${this.#refused}`);
  }

  async onChange(listener: (key: string) => void): Promise<void> {
    const ready: Promise<unknown>[] = [];
    for (let number = 0; number < this.#keys; number += 1) {
      const key = makeKey(number);
      const record: DeepstreamRecord = this.#client.record.getRecord(`${this.#name}/${key}`);
      record.subscribe(() => listener(key));
      ready.push(record.whenReady());
    }
    await Promise.all(ready);
  }

  async close(): Promise<void> {}
}
