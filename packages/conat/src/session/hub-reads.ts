import { decodeBlock } from "../protocol/block.ts";
import { ConatError } from "../protocol/conat-error.ts";
import type { Entry } from "../protocol/entry.ts";
import type { HubEvents } from "../protocol/events.ts";
import { WAIT_TIMEOUT_MS } from "../protocol/limits.ts";
import { toWireStoreRef } from "../protocol/messages/common.ts";
import type { StoreRef } from "../protocol/scope.ts";
import { toHubError } from "../transport/hub-error.ts";
import type { HubPart, HubUplink } from "./hub-part.ts";
import { PendingCalls } from "./pending-calls.ts";

interface Read {
  resolve(entry: Entry | undefined): void;
  reject(error: ConatError): void;
}

/** The reads of a hub session that wait for their answer. */
export class HubReads implements HubPart {
  readonly #uplink: HubUplink;
  readonly #waiting: PendingCalls<Read>;
  #lastId = 0;

  constructor(uplink: HubUplink) {
    this.#uplink = uplink;
    this.#waiting = new PendingCalls(uplink.environment, WAIT_TIMEOUT_MS, (_id, read) =>
      read.reject(
        new ConatError("timeout", `the hub did not answer a read within ${WAIT_TIMEOUT_MS} ms`),
      ),
    );
  }

  read(ref: StoreRef, key: string): Promise<Entry | undefined> {
    const { connected, ended } = this.#uplink.connection;
    if (!connected) {
      return Promise.reject(ended ?? new ConatError("unavailable", "not connected to a hub"));
    }
    return new Promise((resolve, reject) => {
      this.#lastId += 1;
      this.#waiting.add(this.#lastId, { resolve, reject });
      this.#uplink.send("read", this.#lastId, toWireStoreRef(ref), key);
    });
  }

  onConnected(): void {}

  onDisconnected({ message }: ConatError): void {
    const error = new ConatError("unavailable", `not read: ${message}`);
    this.#waiting.drain((_id, read) => read.reject(error));
  }

  onEnded(error: ConatError): void {
    this.#waiting.drain((_id, read) => read.reject(error));
  }

  readonly receivers = {
    entry: (id, block, refusal) => {
      const entry = block === null ? undefined : decodeBlock(block)[0];
      const read = this.#waiting.take(id);
      if (refusal) read?.reject(toHubError(...refusal));
      else read?.resolve(entry);
    },
  } satisfies Partial<HubEvents>;
}
