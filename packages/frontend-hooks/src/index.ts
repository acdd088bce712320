export { ConatProvider, type ConatProviderProps } from "./conat-provider.tsx";
export type { StoreState } from "./shared-store.ts";
export type { TopicMessage } from "./shared-topic.ts";
export type { StoreOptions } from "./store-access.ts";
export { useConat } from "./use-conat.ts";
export { useConnectionStatus } from "./use-connection-status.ts";
export { type UseDKV, useDKV } from "./use-dkv.ts";
export { type SetKey, type UseDKVKey, useDKVKey } from "./use-dkv-key.ts";
export { type TopicOptions, type UsePubSub, usePubSub } from "./use-pub-sub.ts";
