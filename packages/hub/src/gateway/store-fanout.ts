import {
  type EntryBatch,
  encodeBlock,
  encodeBlockWith,
  type StoreRef,
  storeKey,
} from "@conat/conat/internal";
import type { Authorized } from "../scope/authorize.ts";
import { type EventFrame, encodeEvent } from "./event-frame.ts";
import { LastFrame } from "./last-frame.ts";

/**
 * What all readers of one store have in common who may see the same of it: the number that their live entries travel
 * under, and each batch encoded once.
 */
export class StoreChannel {
  readonly key: string;
  /** The store, as the first who opened it has named it. */
  readonly ref: Authorized<StoreRef>;
  readonly number: number;
  /** Feeds that hold it. */
  feeds = 0;
  readonly #last = new LastFrame<EntryBatch>();

  constructor(key: string, ref: Authorized<StoreRef>, number: number) {
    this.key = key;
    this.ref = ref;
    this.number = number;
  }

  /** The batch as event `live`. */
  liveFrame(batch: EntryBatch): EventFrame {
    const frame = this.#last.of(batch);
    if (frame !== undefined) return frame;
    return this.#last.keep(
      batch,
      encodeBlockWith(batch.entries, (block) =>
        encodeEvent("live", this.number, block, batch.position),
      ),
    );
  }
}

const blocks = new WeakMap<EntryBatch, Uint8Array>();

/** The batch as a block. Snapshots leave at each reader's own pace, so the block lives as long as the batch. */
export function blockOf(batch: EntryBatch): Uint8Array {
  let block = blocks.get(batch);
  if (block === undefined) {
    block = encodeBlock(batch.entries);
    blocks.set(batch, block);
  }
  return block;
}

/** The channels of all stores that have readers. */
export class StoreFanout {
  readonly #channels = new Map<string, StoreChannel>();
  #lastNumber = 0;

  /** The store's channel; give it back with {@link release}. */
  acquire(ref: Authorized<StoreRef>): StoreChannel {
    const key = storeKey(ref);
    let channel = this.#channels.get(key);
    if (channel === undefined) {
      this.#lastNumber += 1;
      channel = new StoreChannel(key, ref, this.#lastNumber);
      this.#channels.set(key, channel);
    }
    channel.feeds += 1;
    return channel;
  }

  release(channel: StoreChannel): void {
    channel.feeds -= 1;
    if (channel.feeds === 0) this.#channels.delete(channel.key);
  }

  get size(): number {
    return this.#channels.size;
  }
}
