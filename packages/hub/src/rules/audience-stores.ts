import type { Feed, FeedListener, Session, StoreRef } from "@conat/conat/internal";
import { SNAPSHOT_CHUNK_BYTES } from "@conat/conat/internal";
import { SharedStore } from "../upstream/shared-store.ts";
import { filterFeed, markFiltered } from "./audience-feed.ts";
import type { Audience } from "./rule-book.ts";

/** How long one snapshot serves all who come, in milliseconds. */
const SNAPSHOT_REUSE_MS = 1_000;

/** Markers of a view are kept for those who are connected; who comes back gets all anew. In milliseconds. */
const MARKER_TTL_MS = 60_000;

/** The views that audiences have of stores: one of each, however many readers it has, so that it is encoded once. */
export class AudienceStores {
  readonly #inner: Session;
  readonly #onReaderError: (error: unknown) => void;
  readonly #views = new Map<string, SharedStore>();

  constructor(inner: Session, onReaderError: (error: unknown) => void) {
    this.#inner = inner;
    this.#onReaderError = onReaderError;
  }

  get size(): number {
    return this.#views.size;
  }

  open(ref: StoreRef, audience: Audience, key: string, listener: FeedListener): Feed {
    let view = this.#views.get(key);
    if (view === undefined) {
      view = this.#createView(ref, audience, key);
      this.#views.set(key, view);
    }
    return view.attach((event) => {
      // Readers are not told that something happens which they may not see; the view's own position needs it.
      if (event.type === "entries" && event.batch.entries.length === 0) return;
      // They do not continue anywhere; see markFiltered.
      if (event.type === "verified") return;
      listener(markFiltered(event));
    }, undefined);
  }

  #createView(ref: StoreRef, audience: Audience, key: string): SharedStore {
    const forget = (view: SharedStore): void => {
      if (this.#views.get(key) === view) this.#views.delete(key);
    };
    const inner = this.#inner;
    return new SharedStore({
      ref,
      inner: {
        serverTime: () => inner.serverTime(),
        openStore: (store, listener) => inner.openStore(store, filterFeed(audience, listener)),
      },
      markerTtlMs: MARKER_TTL_MS,
      chunkBytes: SNAPSHOT_CHUNK_BYTES,
      snapshotReuseMs: SNAPSHOT_REUSE_MS,
      onBytes: () => undefined,
      onUnused: (view) => {
        forget(view);
        view.close();
      },
      onEnded: forget,
      onReaderError: this.#onReaderError,
    });
  }
}
