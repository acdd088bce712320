import { ConatError, encodeBlock, type StoreRef, toConatError } from "@conat/conat/internal";
import type { ConnectionContext } from "./connection-context.ts";

/** Reads of single entries that one connection has asked for. */
export class Reads {
  readonly #context: ConnectionContext;
  #pending = 0;

  constructor(context: ConnectionContext) {
    this.#context = context;
  }

  get pending(): number {
    return this.#pending;
  }

  async read(id: number, ref: StoreRef, key: string): Promise<void> {
    const { session, outbox, limits, tally } = this.#context;
    const startedAt = performance.now();
    try {
      if (this.#pending >= limits.maxPendingReads) {
        throw new ConatError(
          "limit-exceeded",
          `this connection waits for ${limits.maxPendingReads} reads, which is the most`,
        );
      }
      this.#pending += 1;
      const entry = await session.read(ref, key).finally(() => {
        this.#pending -= 1;
        tally.time("read", startedAt);
      });
      outbox.send("entry", id, entry === undefined ? null : encodeBlock([entry]), null);
    } catch (error) {
      this.#context.refuse(toConatError(error), ({ kind, message }) =>
        outbox.send("entry", id, null, [kind, message]),
      );
    }
  }
}
