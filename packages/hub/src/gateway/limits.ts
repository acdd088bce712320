import {
  MAX_OPEN_STORES,
  MAX_SUBSCRIPTIONS,
  MAX_VALUE_BYTES,
  SNAPSHOT_CHUNK_BYTES,
} from "@conat/conat/internal";

/** What one connection may ask of the hub. */
export interface GatewayLimits {
  /** Feeds held open. */
  readonly maxOpenStores: number;
  /** PubSub subscriptions held. */
  readonly maxSubscriptions: number;
  /** Largest encoded value or message, in bytes. */
  readonly maxValueBytes: number;
  /** Bytes waiting to be read by the client; past it its feeds pause, and past four times that it is cut off. */
  readonly maxOutboxBytes: number;
  /** Bytes of snapshots waiting to be read by the client before the next chunk follows. */
  readonly snapshotWindowBytes: number;
  /** Writes sent to the server and not yet answered; past it a write is `unavailable`. */
  readonly maxPendingWrites: number;
  /** Bytes of values in those writes. */
  readonly maxPendingWriteBytes: number;
  /** Reads not yet answered. */
  readonly maxPendingReads: number;
  /** Lists and removals of whole stores not yet answered. */
  readonly maxPendingStoreRequests: number;
}

export const DEFAULT_GATEWAY_LIMITS: GatewayLimits = {
  maxOpenStores: MAX_OPEN_STORES,
  maxSubscriptions: MAX_SUBSCRIPTIONS,
  maxValueBytes: MAX_VALUE_BYTES,
  maxOutboxBytes: 4_194_304, // a second or two of a good mobile connection
  snapshotWindowBytes: 4 * SNAPSHOT_CHUNK_BYTES, // keeps a fast connection busy between two drains
  maxPendingWrites: 20_000, // twice a client's whole outbox
  maxPendingWriteBytes: 33_554_432, // likewise
  maxPendingReads: 1_000,
  maxPendingStoreRequests: 16, // each may read or remove a great deal
};
