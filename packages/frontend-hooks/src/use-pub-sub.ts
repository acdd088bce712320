import { type ConatError, type PubSubOptions, toConatError } from "@conat/conat";
import { reportUncaught } from "@conat/conat/actions";
import { useEffect, useMemo, useRef, useSyncExternalStore } from "react";
import { type ConatRoot, useConatContext } from "./conat-root.ts";
import { contentKey } from "./content-key.ts";
import { type MessageListener, SharedTopic, type TopicMessage } from "./shared-topic.ts";
import { useThrownError } from "./store-access.ts";
import { createThrottle } from "./throttle.ts";

/** Which channel; the client is the provider's. */
export interface TopicOptions extends Omit<PubSubOptions, "client"> {
  /** Send at most one message in this time, in milliseconds: the first at once, and always the last. @default 0 */
  readonly throttleMs?: number | undefined;
  /** Throw to the error boundary why the channel cannot be used. @default the provider's */
  readonly throwErrors?: boolean | undefined;
}

export interface UsePubSub<T> {
  /** The newest message. A component that never reads it is not rendered again when messages arrive. */
  readonly last: TopicMessage<T> | undefined;
  /**
   * Sends to everybody who listens, this component included.
   * @throws ConatError what `PubSub.set` throws, or why the channel cannot be used
   */
  readonly set: (data: T) => void;
  /** Why the channel cannot be used, or why a message could not be read. */
  readonly error: ConatError | undefined;
}

/** A channel: `onMessage` is called for every message, the own ones included. Options may be inline. */
export function usePubSub<T = unknown>(
  { throwErrors, throttleMs = 0, ...options }: TopicOptions,
  onMessage?: MessageListener<T>,
): UsePubSub<T> {
  const { root } = useConatContext();
  const latest = useRef(onMessage);
  useEffect(() => {
    latest.current = onMessage;
  });
  const slot = contentKey(options);
  // biome-ignore lint/correctness/useExhaustiveDependencies: options of another content have another slot
  const view = useMemo(
    () =>
      createView<T>(root, slot, options, throttleMs, (data, info) => latest.current?.(data, info)),
    [root, slot, throttleMs],
  );
  const result = useSyncExternalStore(view.subscribe, view.read, view.read);
  useThrownError(throwErrors, view.hasEnded() ? result.error : undefined);
  return result;
}

function createView<T>(
  root: ConatRoot,
  slot: string,
  options: PubSubOptions,
  throttleMs: number,
  onMessage: MessageListener<T>,
) {
  const open = (): SharedTopic => new SharedTopic(root.holdClient(), options);
  const send = (data: T): void => root.topics.use(slot, open, (topic) => topic.send(data));
  const set = createThrottle(throttleMs, send, (error) => {
    if (mounted) root.topics.peek(slot)?.fail(toConatError(error));
    else reportUncaught(error);
  });

  /** Somebody is there to show an error. */
  let mounted = false;
  let readsLast = false;
  let shown: TopicMessage<T> | undefined;
  let result: UsePubSub<T> | undefined;
  const read = (): UsePubSub<T> => {
    const topic = root.topics.peek(slot);
    const last = topic?.last as TopicMessage<T> | undefined;
    const error = topic?.error;
    if (result === undefined || result.error !== error || (readsLast && shown !== last)) {
      shown = last;
      result = {
        get last() {
          readsLast = true;
          return last;
        },
        set,
        error,
      };
    }
    return result;
  };

  const subscribe = (onChange: () => void): (() => void) => {
    const { resource, release } = root.topics.acquire(slot, open);
    const stops = [
      resource.subscribe(onChange),
      resource.onMessage(onMessage as MessageListener<unknown>),
    ];
    mounted = true;
    return () => {
      mounted = false;
      for (const stop of stops) stop();
      release();
    };
  };

  return { read, subscribe, hasEnded: () => root.topics.peek(slot)?.ended ?? false };
}
