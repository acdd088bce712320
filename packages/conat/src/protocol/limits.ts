/** Longest key or store name, in bytes of UTF-8. */
export const MAX_NAME_BYTES = 16_384;

/** Longest account or project id, in bytes of UTF-8; ids are tokens of a subject and are never hashed. */
export const MAX_SCOPE_ID_BYTES = 256;

/** Largest encoded value, in bytes. nats-server refuses payloads above its `max_payload`, 1 MB by default. */
export const MAX_VALUE_BYTES = 524_288;

/** Longest lifetime of an entry, a century, in milliseconds. nats-server counts nanoseconds and overflows after three. */
export const MAX_TTL_MS = 3_155_760_000_000;

/** Largest headers an application may attach to one entry, in bytes of names and values together. */
export const MAX_HEADERS_BYTES = 16_384;

/** Largest frame between client and hub, in bytes: one value of the maximum size, its key, and room for the envelope. */
export const MAX_FRAME_BYTES = 1_000_000;

/** Target size of one snapshot chunk, in bytes: large enough to amortise the frame, small enough to interleave. */
export const SNAPSHOT_CHUNK_BYTES = 262_144;

/** Writes a store keeps that are not yet acknowledged; past it `set` throws `outbox-full`. */
export const OUTBOX_MAX_WRITES = 10_000;

/** Bytes a store keeps that are not yet acknowledged; past it `set` throws `outbox-full`. */
export const OUTBOX_MAX_BYTES = 16_777_216;

/** Writes of one store sent and not yet answered. */
export const IN_FLIGHT_WINDOW = 1_000;

/** Stores one connection may hold open. */
export const MAX_OPEN_STORES = 500;

/** PubSub subscriptions one connection may hold. */
export const MAX_SUBSCRIPTIONS = 500;

/** How long an entry that lasts until its writer disconnects outlives a hub that dies, in milliseconds. */
export const BOUND_TTL_MS = 60_000;

/** Shortest such time, in milliseconds: each renewal is a write that everybody is told of. */
export const MIN_BOUND_TTL_MS = 5_000;

/** Longest bearer token, in characters. */
export const MAX_TOKEN_LENGTH = 16_384;

/** How long every wait lasts at most unless told otherwise, in milliseconds. */
export const WAIT_TIMEOUT_MS = 30_000;

/** Most sequences that a client names of what it has beyond the verified one, when it continues a feed. */
export const MAX_TOLD = 10_000;
