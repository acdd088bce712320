import { RealtimeClient } from "@prsm/realtime/client";
import { WebSocket } from "ws";
import type { Connection, Store, System, Value } from "../src/systems/system.ts";
import { makeKey } from "../src/systems/system.ts";

/** @prsm/realtime expects a browser's WebSocket, which Node 20 does not have. */
Object.assign(globalThis, { WebSocket });

/** @prsm/realtime: a key is a record, which a reader subscribes to. */
export function prsm(address: string): System {
  return {
    async connect(): Promise<Connection> {
      const client = new RealtimeClient(address);
      await client.connect();
      return {
        open: async (name, keys) => new PrsmStore(client, name, keys),
        close: async () => void client.close(),
      };
    },
  };
}

class PrsmStore implements Store {
  readonly size = 0;
  readonly #client: RealtimeClient;
  readonly #name: string;
  readonly #keys: number;
  #pending: Promise<boolean>[] = [];

  constructor(client: RealtimeClient, name: string, keys: number) {
    this.#client = client;
    this.#name = name;
    this.#keys = keys;
  }

  set(key: string, value: Value): void {
    this.#pending.push(this.#client.writeRecord(this.#id(key), value));
  }

  async confirmed(): Promise<void> {
    const pending = this.#pending;
    this.#pending = [];
    const stored = await Promise.all(pending);
    if (!stored.every(Boolean)) throw new Error("a write was refused");
  }

  async onChange(listener: (key: string) => void): Promise<void> {
    for (let number = 0; number < this.#keys; number += 1) {
      const key = makeKey(number);
      let isFirst = true; // tells what is there already
      await this.#client.subscribeRecord(this.#id(key), () => {
        if (!isFirst) listener(key);
        isFirst = false;
      });
    }
  }

  async increment(key: string): Promise<void> {
    await this.#client.command("increment", { id: this.#id(key) });
  }

  async count(key: string): Promise<number> {
    return Number(await this.#client.command("count", { id: this.#id(key) }));
  }

  async close(): Promise<void> {}

  #id(key: string): string {
    return `${this.#name}:${key}`;
  }
}
