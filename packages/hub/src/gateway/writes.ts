import {
  ConatError,
  encodeBlock,
  type Mutation,
  type StoreRef,
  type WireMutation,
  type WriteResult,
} from "@conat/conat/internal";
import type { ConnectionContext } from "./connection-context.ts";

/** The writes of one connection: one call below per frame, and one `ack` for all that is stored in one turn. */
export class Writes {
  readonly #context: ConnectionContext;
  #pending = 0;
  #pendingBytes = 0;
  /** Write, sequence, write, sequence, … */
  #stored: number[] = [];
  #duplicates: number[] = [];
  #isStopped = false;
  #isClosed = false;
  #idleListeners: (() => void)[] | undefined;

  constructor(context: ConnectionContext) {
    this.#context = context;
  }

  get pending(): number {
    return this.#pending;
  }

  write(ref: StoreRef, wire: readonly WireMutation[]): void {
    const { session, bound, limits } = this.#context;
    const mutations: Mutation[] = [];
    let bytes = 0;
    for (const [write, key, value, options] of wire) {
      const mutation: Mutation = {
        key,
        value: value ?? undefined,
        origin: session.origin,
        write,
        expectedSeq: options?.s,
        ttlMs: options?.t ?? 0,
        headers: options?.h,
        untilDisconnect: options?.d === 1,
        isUpdate: options?.u === 1,
      };
      mutations.push(mutation);
      bytes += value?.length ?? 0;
    }
    if (this.#isStopped) {
      this.#refuseAll(mutations, "this hub is shutting down; not stored, try the next one");
      return;
    }
    if (
      this.#pending + mutations.length > limits.maxPendingWrites ||
      this.#pendingBytes + bytes > limits.maxPendingWriteBytes
    ) {
      const why = "too many writes of this connection wait for the server; not stored, try again";
      this.#refuseAll(mutations, why);
      return;
    }
    this.#pending += mutations.length;
    this.#pendingBytes += bytes;
    let unanswered = mutations.length;
    const startedAt = performance.now();
    const onResult = (result: WriteResult): void => {
      this.#pending -= 1;
      unanswered -= 1;
      if (unanswered === 0) {
        this.#pendingBytes -= bytes;
        this.#context.tally.time("write", startedAt);
      }
      if (!this.#isClosed) this.#answer(result);
      if (this.#pending === 0) this.#tellIdle();
    };
    bound.write(ref, mutations, onResult, (accepted, answer) =>
      session.write(ref, accepted, answer),
    );
  }

  /** Refuses what comes from now on; resolves when every write that was taken on has its answer. */
  stop(): Promise<void> {
    this.#isStopped = true;
    if (this.#pending === 0) return Promise.resolve();
    return new Promise((resolve) => {
      this.#idleListeners ??= [];
      this.#idleListeners.push(resolve);
    });
  }

  #tellIdle(): void {
    const listeners = this.#idleListeners ?? [];
    this.#idleListeners = undefined;
    for (const listener of listeners) listener();
  }

  close(): void {
    this.#isClosed = true;
  }

  /** Sends the acknowledgements that were collected. */
  flush(): void {
    if (this.#stored.length === 0 || this.#isClosed) return;
    this.#context.outbox.send("ack", this.#stored, this.#duplicates);
    this.#stored = [];
    this.#duplicates = [];
  }

  #answer(result: WriteResult): void {
    if (!result.ok) {
      // Answers leave in the order in which the server gave them.
      this.flush();
      this.#nack(result.write, result.error);
      return;
    }
    if (this.#stored.push(result.write, result.seq) === 2) {
      const { outbox } = this.#context;
      // Who wrote has seen it all along.
      outbox.goLast();
      outbox.sendLate(this.#flushLate);
    }
    if (result.duplicate) this.#duplicates.push(result.write);
  }

  readonly #flushLate = (): void => this.flush();

  #nack(write: number, error: ConatError): void {
    const current = error.current === undefined ? null : encodeBlock([error.current]);
    this.#context.refuse(error, ({ kind, message }) =>
      this.#context.outbox.send("nack", write, kind, message, current),
    );
  }

  #refuseAll(mutations: readonly Mutation[], why: string): void {
    const error = new ConatError("unavailable", why);
    for (const { write } of mutations) this.#nack(write, error);
  }
}
