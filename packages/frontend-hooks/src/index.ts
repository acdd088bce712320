export type { RejectedWrite, StoreState } from "@conat/conat/actions";
export { ConatProvider, type ConatProviderProps } from "./conat-provider.tsx";

export type { TopicMessage } from "./shared-topic.ts";
export type { StoreSnapshot } from "./snapshots.ts";
export type { StoreOptions } from "./store-access.ts";
export { useConat } from "./use-conat.ts";
export { type ConnectionStatusOptions, useConnectionStatus } from "./use-connection-status.ts";
export { type UseDKV, useDKV } from "./use-dkv.ts";
export { type SetKey, type UseDKVKey, useDKVKey } from "./use-dkv-key.ts";
export { useDKVSelector } from "./use-dkv-selector.ts";
export { useDKVState } from "./use-dkv-state.ts";
export { type TopicOptions, type UsePubSub, usePubSub } from "./use-pub-sub.ts";
export { useRejectedWrites } from "./use-rejected-writes.ts";
export { type UseSaved, useSaved } from "./use-saved.ts";
export {
  useSuspenseConnectionStatus,
  useSuspenseDKV,
  useSuspenseDKVKey,
  useSuspenseDKVSelector,
  useSuspensePubSub,
  useSuspenseRejectedWrites,
  useSuspenseSaved,
} from "./use-suspense.ts";
export type { Values } from "./values-view.ts";
