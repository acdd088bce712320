import {
  MAX_OPEN_STORES,
  MAX_SUBSCRIPTIONS,
  MAX_VALUE_BYTES,
  SNAPSHOT_CHUNK_BYTES,
} from "@conat/conat/internal";

/** What one connection may ask of the hub, and all of one principal or network address together. */
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
  /** Keys set until the client disconnects: each is written anew as long as it is there. */
  readonly maxUntilDisconnect: number;
  /** Messages per second of one connection; for all rates, twice as much may come at once, and 0 means no limit. */
  readonly maxMessageRate: number;
  /** Bytes per second of one connection. */
  readonly maxByteRate: number;
  readonly maxIdentityMessageRate: number;
  readonly maxIdentityByteRate: number;
  readonly maxAddressMessageRate: number;
  readonly maxAddressByteRate: number;
  /** Attempts to connect per second from one address. */
  readonly maxAddressHandshakeRate: number;
  /** Connections, of all, of one account or project's backend, and from one address. */
  readonly maxConnections: number;
  readonly maxIdentityConnections: number;
  readonly maxAddressConnections: number;
  /** Connections that have not yet said who they are, of all and from one address. */
  readonly maxWaiting: number;
  readonly maxAddressWaiting: number;
  /** Feeds and subscriptions over all connections of one account or project's backend. */
  readonly maxIdentityOpenStores: number;
  readonly maxIdentitySubscriptions: number;
}

const DEFAULT_MAX_CONNECTIONS = 50_000;

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
  maxUntilDisconnect: 200, // of a presence, some per open document
  maxMessageRate: 5_000, // a busy page sends some hundreds
  maxByteRate: 16_777_216, // more than most uplinks
  maxIdentityMessageRate: 20_000,
  maxIdentityByteRate: 67_108_864,
  maxAddressMessageRate: 100_000, // an office behind one address
  maxAddressByteRate: 268_435_456,
  maxAddressHandshakeRate: 200, // the same office after a break of the line
  maxConnections: DEFAULT_MAX_CONNECTIONS,
  maxIdentityConnections: 1_000,
  maxAddressConnections: 5_000,
  maxWaiting: 10_000, // all browsers after a hub was lost; each takes some milliseconds
  maxAddressWaiting: 1_000,
  maxIdentityOpenStores: 10_000,
  maxIdentitySubscriptions: 10_000,
};

/** In development mode everything comes from this machine, tests and benchmarks included: no rates. */
export const DEVELOPMENT_RATES: Partial<GatewayLimits> = {
  maxMessageRate: 0,
  maxByteRate: 0,
  maxIdentityMessageRate: 0,
  maxIdentityByteRate: 0,
  maxAddressMessageRate: 0,
  maxAddressByteRate: 0,
  maxAddressHandshakeRate: 0,
  maxAddressConnections: DEFAULT_MAX_CONNECTIONS,
  maxIdentityConnections: DEFAULT_MAX_CONNECTIONS,
  maxAddressWaiting: DEFAULT_MAX_CONNECTIONS,
};
