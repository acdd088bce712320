/**
 * Version of the client ↔ hub protocol. A hub accepts this one and the one before it.
 * The history of versions is kept in PROTOCOL.md.
 */
export const PROTOCOL_VERSION = 1;

/** Oldest protocol version a hub of this release still speaks. */
export const OLDEST_PROTOCOL_VERSION = 1;
