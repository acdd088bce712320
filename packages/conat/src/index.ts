export { Client } from "./client/client.ts";
export { connect } from "./client/connect.ts";
export type { ConnectOptions } from "./client/connect-options.ts";
export { defaultClient, setDefaultClient } from "./client/default-client.ts";
export { DKV, type SetOptions, type WriteHandle } from "./dkv/dkv.ts";
export type {
  DkvChange,
  DkvConflict,
  DkvEvents,
  DkvInvalid,
  DkvLost,
  DkvReject,
} from "./dkv/dkv-events.ts";
export type { DkvOptions, Merge, MergeArguments } from "./dkv/dkv-options.ts";
export type { StoreStatus } from "./dkv/dkv-runner.ts";
export type { WriteOutcome } from "./dkv/local-write.ts";
export { dkv } from "./dkv/open-dkv.ts";
export type { AnyValue, ValueAt } from "./dkv/value-types.ts";
export { type UnsavedStore, warnBeforeUnload } from "./dkv/warn-before-unload.ts";
export type { WriteInfo } from "./dkv/write-info.ts";
export { ConatError, type ErrorKind, toConatError } from "./protocol/conat-error.ts";
export type { Entry, EntryHeaders, EntryKind } from "./protocol/entry.ts";
export type { Durability } from "./protocol/feed-position.ts";
export type { ScopeOptions } from "./protocol/scope.ts";
export {
  PubSub,
  type PubSubEvents,
  type PubSubMessageInfo,
  type PubSubOptions,
} from "./pubsub/pubsub.ts";
export type { SessionState, SessionStatus, StoreInfo } from "./session/session.ts";
export { destroyScope, destroyStore } from "./stores/destroy-stores.ts";
export { listStores } from "./stores/list-stores.ts";
export type { StoreOptions, StoresOptions } from "./stores/stores-options.ts";
