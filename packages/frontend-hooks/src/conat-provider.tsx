import { type Client, type ConnectOptions, connect } from "@conat/conat";
import { type ReactElement, type ReactNode, useEffect, useMemo, useRef } from "react";
import { ConatContext, ConatRoot } from "./conat-root.ts";
import { contentKey } from "./content-key.ts";

/** Outlasts StrictMode's second mount and a change of route, in milliseconds. */
const DEFAULT_GRACE_MS = 1_000;

export interface ConatProviderProps extends ConnectOptions {
  /** A client that the application made and closes; the connect options are then ignored. @default an own one */
  readonly client?: Client | undefined;
  /** How long a store, channel or own client outlives its last user, in milliseconds. @default 1000 */
  readonly graceMs?: number | undefined;
  /** Throw to the error boundary why a store or channel cannot be used, instead of returning it. @default false */
  readonly throwErrors?: boolean | undefined;
  readonly children?: ReactNode;
}

/**
 * Gives the hooks below it a connection: the client it is given, or one it makes of the connect options when it is
 * mounted and closes when everything that uses it is gone. Options may be inline; other content is another client.
 */
export function ConatProvider(props: ConatProviderProps): ReactElement {
  const { children, client, graceMs = DEFAULT_GRACE_MS, throwErrors = false, ...options } = props;
  const latest = useRef(options);
  useEffect(() => {
    latest.current = options;
  });
  const key = contentKey(options);
  // biome-ignore lint/correctness/useExhaustiveDependencies: options of another content have another key
  const root = useMemo(
    () =>
      new ConatRoot({ given: client, connect: () => connect(withLatestToken(latest)), graceMs }),
    [client, key, graceMs],
  );
  useEffect(() => root.holdClient().release, [root]);
  const context = useMemo(() => ({ root, throwErrors }), [root, throwErrors]);
  return <ConatContext.Provider value={context}>{children}</ConatContext.Provider>;
}

/** Asks the token function of the latest render, which closes over the latest state. */
function withLatestToken(latest: { readonly current: ConnectOptions }): ConnectOptions {
  const { current } = latest;
  if (typeof current.token !== "function") return current;
  const token = (): string | Promise<string> => {
    const { token: now } = latest.current;
    return typeof now === "function" ? now() : (now ?? "");
  };
  return { ...current, token };
}
