import { ConatError, type SessionStatus, type ValueAt } from "@conat/conat";
import type { RejectedWrite } from "@conat/conat/actions";
import { useSyncExternalStore } from "react";
import { useConatContext } from "./conat-root.ts";
import type { MessageListener } from "./shared-topic.ts";
import { type StoreOptions, useStoreAccess } from "./store-access.ts";
import { holdWhile } from "./suspension.ts";
import { type ConnectionStatusOptions, useConnectionStatus } from "./use-connection-status.ts";
import { type UseDKV, useDKV } from "./use-dkv.ts";
import { type UseDKVKey, useDKVKey } from "./use-dkv-key.ts";
import { useDKVSelector } from "./use-dkv-selector.ts";
import { useDKVState } from "./use-dkv-state.ts";
import { type TopicOptions, type UsePubSub, usePubSub } from "./use-pub-sub.ts";
import { useRejectedWrites } from "./use-rejected-writes.ts";
import { type UseSaved, useSaved } from "./use-saved.ts";
import type { Values } from "./values-view.ts";

/**
 * `useDKV` that suspends until the store is open for the first time, and never again for that store. Why it cannot be
 * opened goes to the error boundary, unless `throwErrors` is false. The `<Suspense>` boundary goes below the provider.
 */
export function useSuspenseDKV<T = unknown>(options: StoreOptions<T>): UseDKV<T> {
  useLoaded(options);
  return useDKV(options);
}

/** `useDKVKey` that suspends as {@link useSuspenseDKV} does. */
export function useSuspenseDKVKey<T = unknown, Key extends string = string>(
  options: StoreOptions<T>,
  key: Key,
): UseDKVKey<ValueAt<T, Key>, ValueAt<T, Key> | undefined>;
export function useSuspenseDKVKey<T = unknown, Key extends string = string>(
  options: StoreOptions<T>,
  key: Key,
  initial: ValueAt<T, Key>,
): UseDKVKey<ValueAt<T, Key>, ValueAt<T, Key>>;
export function useSuspenseDKVKey<T, Key extends string>(
  options: StoreOptions<T>,
  key: Key,
  initial?: ValueAt<T, Key>,
): UseDKVKey<ValueAt<T, Key>, ValueAt<T, Key> | undefined> {
  useLoaded(options);
  return useDKVKey<T, Key>(options, key, initial as ValueAt<T, Key>);
}

/** `useDKVSelector` that suspends as {@link useSuspenseDKV} does. */
export function useSuspenseDKVSelector<T, Selected>(
  options: StoreOptions<T>,
  selector: (values: Values<T>) => Selected,
  equal?: (before: Selected, now: Selected) => boolean,
): Selected {
  useLoaded(options);
  return useDKVSelector(options, selector, equal);
}

/** `useSaved` that suspends as {@link useSuspenseDKV} does. */
export function useSuspenseSaved<T = unknown>(options: StoreOptions<T>): UseSaved {
  useLoaded(options);
  return useSaved(options);
}

/** `useRejectedWrites` of one store that suspends as {@link useSuspenseDKV} does. */
export function useSuspenseRejectedWrites<T = unknown>(
  options: StoreOptions<T>,
): readonly RejectedWrite<T>[] {
  useLoaded(options);
  return useRejectedWrites(options);
}

/** `useConnectionStatus` that suspends until the first connection stands or was refused. */
export function useSuspenseConnectionStatus(options?: ConnectionStatusOptions): SessionStatus {
  useConnected();
  return useConnectionStatus(options);
}

/** `usePubSub` that suspends until the first connection stands or was refused. */
export function useSuspensePubSub<T = unknown>(
  options: TopicOptions,
  onMessage?: MessageListener<T>,
): UsePubSub<T> {
  useConnected();
  return usePubSub(options, onMessage);
}

function useLoaded<T>(options: StoreOptions<T>): void {
  const access = useStoreAccess(options);
  const isLoading = (): boolean => {
    const { store, status } = access.state;
    return store === undefined && status !== "closed" && access.initial === undefined;
  };
  const suspended = useSyncExternalStore(subscribeToNothing, isLoading, () =>
    access.initial === undefined ? failOnServer() : false,
  );
  if (suspended) throw access.opening();
  useDKVState({ ...options, throwErrors: options.throwErrors ?? true });
}

function useConnected(): void {
  const { root } = useConatContext();
  const isConnecting = (): boolean => !root.shared?.met && root.client?.status.state !== "ready";
  if (!useSyncExternalStore(subscribeToNothing, isConnecting, failOnServer)) return;
  const { resource, release } = root.holdClient();
  throw holdWhile(resource.client?.ready() ?? Promise.resolve(), release, root.graceMs);
}

/** The hook that shows the content does the subscribing. */
function subscribeToNothing(): () => void {
  return () => {};
}

/** React then leaves the `<Suspense>` boundary to the browser, instead of waiting for what a server never opens. */
function failOnServer(): never {
  throw new ConatError(
    "unavailable",
    "a server opens no store: give <ConatProvider> a snapshot, or leave this to the browser",
  );
}
