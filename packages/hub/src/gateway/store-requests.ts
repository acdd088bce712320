import {
  ConatError,
  type Scope,
  type StoreInfo,
  type StoreRef,
  toConatError,
  type WireStoreInfo,
} from "@conat/conat/internal";
import type { ConnectionContext } from "./connection-context.ts";

/** Target size of one part of a list, in UTF-16 units of names. */
const PART_UNITS = 65_536;

/** What a store costs in a part beside its name. */
const STORE_UNITS = 16;

/** Lists and removals of whole stores that one connection has asked for. */
export class StoreRequests {
  readonly #context: ConnectionContext;
  #pending = 0;

  constructor(context: ConnectionContext) {
    this.#context = context;
  }

  get pending(): number {
    return this.#pending;
  }

  async list(id: number, scope: Scope): Promise<void> {
    const { session, outbox } = this.#context;
    try {
      const parts = toParts(await this.#run("list", () => session.listStores(scope)));
      const last = parts.pop() ?? [];
      for (const part of parts) outbox.send("stores", id, part, 1, null);
      outbox.send("stores", id, last, 0, null);
    } catch (error) {
      this.#context.refuse(toConatError(error), ({ kind, message }) =>
        outbox.send("stores", id, [], 0, [kind, message]),
      );
    }
  }

  async destroy(id: number, ref: StoreRef): Promise<void> {
    const { session, outbox } = this.#context;
    try {
      await this.#run("destroy", () => session.destroyStore(ref));
      outbox.send("destroyed", id, null);
    } catch (error) {
      this.#context.refuse(toConatError(error), ({ kind, message }) =>
        outbox.send("destroyed", id, [kind, message]),
      );
    }
  }

  async #run<Answer>(what: "list" | "destroy", request: () => Promise<Answer>): Promise<Answer> {
    const { limits, tally } = this.#context;
    const { maxPendingStoreRequests } = limits;
    const startedAt = performance.now();
    if (this.#pending >= maxPendingStoreRequests) {
      throw new ConatError(
        "limit-exceeded",
        `this connection waits for ${maxPendingStoreRequests} lists and removals of stores, which is the most`,
      );
    }
    this.#pending += 1;
    try {
      return await request();
    } finally {
      this.#pending -= 1;
      tally.time(what, startedAt);
    }
  }
}

/** Cuts a list so that no frame is large. */
function toParts(stores: readonly StoreInfo[]): WireStoreInfo[][] {
  const parts: WireStoreInfo[][] = [];
  let part: WireStoreInfo[] = [];
  let units = 0;
  for (const { name, ephemeral, keys } of stores) {
    if (units > PART_UNITS) {
      parts.push(part);
      part = [];
      units = 0;
    }
    part.push([name, ephemeral ? 1 : 0, keys]);
    units += name.length + STORE_UNITS;
  }
  parts.push(part);
  return parts;
}
