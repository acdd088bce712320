import { decodeBlock } from "../protocol/block.ts";
import { ConatError, type ErrorKind } from "../protocol/conat-error.ts";
import type { Entry } from "../protocol/entry.ts";
import type { HubEvents } from "../protocol/events.ts";
import { WAIT_TIMEOUT_MS } from "../protocol/limits.ts";
import { toWireStoreRef } from "../protocol/messages/common.ts";
import type { Scope, StoreRef } from "../protocol/scope.ts";
import { toHubError } from "../transport/hub-error.ts";
import type { HubPart, HubUplink } from "./hub-part.ts";
import { PendingCalls } from "./pending-calls.ts";
import type { StoreInfo } from "./session.ts";

/** The requests of a hub session that wait for their answer: reads, lists of stores, removals of stores. */
export class HubRequests implements HubPart {
  readonly #uplink: HubUplink;
  readonly #reads: Requests<Entry | undefined>;
  readonly #lists: Requests<readonly StoreInfo[]>;
  readonly #removals: Requests<void>;
  /** Parts of lists that have come so far. */
  readonly #parts = new Map<number, StoreInfo[]>();

  constructor(uplink: HubUplink) {
    this.#uplink = uplink;
    this.#reads = new Requests(uplink, "unavailable");
    this.#lists = new Requests(uplink, "unavailable");
    this.#removals = new Requests(uplink, "ambiguous");
  }

  /** Requests without an answer. */
  get pending(): number {
    return this.#reads.size + this.#lists.size + this.#removals.size;
  }

  read(ref: StoreRef, key: string): Promise<Entry | undefined> {
    return this.#reads.ask((id) => this.#uplink.send("read", id, toWireStoreRef(ref), key));
  }

  listStores({ kind, id: scopeId }: Scope): Promise<readonly StoreInfo[]> {
    return this.#lists.ask((id) => this.#uplink.send("list", id, [kind, scopeId]));
  }

  destroyStore(ref: StoreRef): Promise<void> {
    return this.#removals.ask((id) => this.#uplink.send("destroy", id, toWireStoreRef(ref)));
  }

  onConnected(): void {}

  onDisconnected({ message }: ConatError): void {
    for (const requests of [this.#reads, this.#lists, this.#removals]) requests.lose(message);
    this.#parts.clear();
  }

  onEnded(error: ConatError): void {
    for (const requests of [this.#reads, this.#lists, this.#removals]) requests.fail(error);
    this.#parts.clear();
  }

  readonly receivers = {
    entry: (id, block, refusal) => {
      const entry = block === null ? undefined : decodeBlock(block)[0];
      this.#reads.settle(id, refusal, entry);
    },
    stores: (id, part, more, refusal) => {
      const parts = this.#parts.get(id) ?? [];
      for (const [name, ephemeral, keys] of part) {
        parts.push({ name, ephemeral: ephemeral === 1, keys });
      }
      if (more === 1) {
        this.#parts.set(id, parts);
      } else {
        this.#parts.delete(id);
        this.#lists.settle(id, refusal, parts);
      }
    },
    destroyed: (id, refusal) => this.#removals.settle(id, refusal, undefined),
  } satisfies Partial<HubEvents>;
}

interface Request<Answer> {
  resolve(answer: Answer): void;
  reject(error: ConatError): void;
}

/** Requests of one kind. */
class Requests<Answer> {
  readonly #uplink: HubUplink;
  readonly #lost: ErrorKind;
  readonly #waiting: PendingCalls<Request<Answer>>;
  #lastId = 0;

  /** @param lost what a request has come to when its answer is lost */
  constructor(uplink: HubUplink, lost: ErrorKind) {
    this.#uplink = uplink;
    this.#lost = lost;
    this.#waiting = new PendingCalls(uplink.environment, WAIT_TIMEOUT_MS, (_id, { reject }) =>
      reject(new ConatError("timeout", `the hub did not answer within ${WAIT_TIMEOUT_MS} ms`)),
    );
  }

  get size(): number {
    return this.#waiting.size;
  }

  ask(send: (id: number) => void): Promise<Answer> {
    const { connected, ended } = this.#uplink.connection;
    if (!connected) {
      return Promise.reject(ended ?? new ConatError("unavailable", "not connected to a hub"));
    }
    return new Promise((resolve, reject) => {
      this.#lastId += 1;
      this.#waiting.add(this.#lastId, { resolve, reject });
      send(this.#lastId);
    });
  }

  settle(id: number, refusal: [kind: string, message: string] | null, answer: Answer): void {
    const request = this.#waiting.take(id);
    if (refusal) request?.reject(toHubError(...refusal));
    else request?.resolve(answer);
  }

  /** The connection is gone, and with it every answer. */
  lose(why: string): void {
    this.fail(new ConatError(this.#lost, `no answer: ${why}`));
  }

  fail(error: ConatError): void {
    this.#waiting.drain((_id, { reject }) => reject(error));
  }
}
