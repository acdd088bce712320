/**
 * What the hub needs of the protocol. Not for applications: it changes without notice.
 */
export { encodeBlock, encodeBlockWith } from "./protocol/block.ts";
export {
  ConatError,
  type ErrorKind,
  isErrorKind,
  type Recovery,
  recoveryFor,
  toConatError,
} from "./protocol/conat-error.ts";
export {
  createEntry,
  type Entry,
  type EntryHeaders,
  type EntryKind,
  valueBytes,
} from "./protocol/entry.ts";
export type { ClientEvents, HubEvents } from "./protocol/events.ts";
export {
  type Checkpoint,
  type Doubt,
  DURABILITIES,
  type Durability,
} from "./protocol/feed-position.ts";
export { Decoder, Encoder, SharedArguments } from "./protocol/frame-parser.ts";
export {
  MAX_FRAME_BYTES,
  MAX_HEADERS_BYTES,
  MAX_NAME_BYTES,
  MAX_OPEN_STORES,
  MAX_SCOPE_ID_BYTES,
  MAX_SUBSCRIPTIONS,
  MAX_TTL_MS,
  MAX_VALUE_BYTES,
  SNAPSHOT_CHUNK_BYTES,
} from "./protocol/limits.ts";
export {
  fromWireScope,
  fromWireStoreRef,
  fromWireTopicRef,
  natural,
  type WireStoreRef,
  type WireTopicRef,
} from "./protocol/messages/common.ts";
export { type Hello, hello, leave, type Refusal, token } from "./protocol/messages/hello.ts";
export {
  closeStore,
  MAX_MUTATIONS,
  openStore,
  read,
  type WireMutation,
  write,
} from "./protocol/messages/store.ts";
export { destroyStore, listStores, type WireStoreInfo } from "./protocol/messages/stores.ts";
export { publish, subscribe, unsubscribe } from "./protocol/messages/topic.ts";
export { packWith } from "./protocol/msgpack.ts";
export { decodePacket, isEvent } from "./protocol/packet.ts";
export {
  parseName,
  parseScope,
  type Scope,
  type ScopeKind,
  type StoreRef,
  scopeKey,
  storeKey,
  type TopicRef,
  topicKey,
} from "./protocol/scope.ts";
export {
  decodeTunnelSubject,
  decodeTunnelUser,
  tunnelFilters,
  tunnelSubjects,
} from "./protocol/subjects.ts";
export { decodeValue } from "./protocol/value-codec.ts";
export { OLDEST_PROTOCOL_VERSION, PROTOCOL_VERSION } from "./protocol/version.ts";
export type {
  EntryBatch,
  Feed,
  FeedEntries,
  FeedEvent,
  FeedListener,
  FeedReset,
  FeedSynced,
  Mutation,
  OpenStoreOptions,
  Session,
  SessionState,
  SessionStatus,
  StoreInfo,
  Subscription,
  TopicListener,
  TopicMessage,
  WriteFailed,
  WriteResult,
  WriteStored,
} from "./session/session.ts";
