import { type Client, type ConnectOptions, connect } from "@conat/conat";
import { Leases } from "@conat/conat/actions";
import { type ReactElement, type ReactNode, useEffect, useMemo, useRef } from "react";
import { ConatContext, ConatRoot } from "./conat-root.ts";
import { contentKey } from "./content-key.ts";
import { indexSnapshots, type StoreSnapshot } from "./snapshots.ts";

/** Outlasts StrictMode's second mount and a change of route, in milliseconds. */
const DEFAULT_GRACE_MS = 1_000;

export interface ConatProviderProps extends ConnectOptions {
  /** A client that the application made and closes; the connect options are then ignored. @default an own one */
  readonly client?: Client | undefined;
  /** How long a store, channel or own client outlives its last user, in milliseconds. @default 1000 */
  readonly graceMs?: number | undefined;
  /** Throw to the error boundary why a store or channel cannot be used, instead of returning it. @default false */
  readonly throwErrors?: boolean | undefined;
  /** Contents that stores show until they are open: on a server, and in the page that it rendered. Read once. */
  readonly snapshots?: readonly StoreSnapshot[] | undefined;
  readonly children?: ReactNode;
}

/**
 * Gives the hooks below it a connection: the client it is given, or one it makes of the connect options when it is
 * mounted and closes when everything that uses it is gone. Options may be inline; other content is another client.
 * A provider that is mounted again within the grace, as hot reloading does, finds the client and stores it had, unless
 * its `token` is another function: that may be another user's.
 */
export function ConatProvider(props: ConatProviderProps): ReactElement {
  const { children, client, throwErrors = false, snapshots = [], ...rest } = props;
  const { graceMs = DEFAULT_GRACE_MS, ...options } = rest;
  const latest = useRef(options);
  useEffect(() => {
    latest.current = options;
  });
  const key = contentKey(options);
  // biome-ignore lint/correctness/useExhaustiveDependencies: options of another content have another key
  const [slot, root] = useMemo(() => {
    const identities = [client, options.token, options.environment].map(identify);
    const slot = JSON.stringify([key, graceMs, ...identities]);
    const open = (): Client => connect(withLatestToken(latest));
    const create = (): ConatRoot => new ConatRoot({ given: client, connect: open, graceMs });
    return [slot, roots.peek(slot) ?? create()];
  }, [client, key, graceMs]);
  useEffect(() => roots.acquire(slot, () => root, graceMs).release, [slot, root, graceMs]);
  useEffect(() => root.holdClient().release, [root]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: read once
  const contents = useMemo(() => indexSnapshots(snapshots), [root]);
  const context = useMemo(
    () => ({ root, snapshots: contents, throwErrors }),
    [root, contents, throwErrors],
  );
  return <ConatContext.Provider value={context}>{children}</ConatContext.Provider>;
}

/** Roots of mounted providers, and of those unmounted less than their grace ago. */
const roots = new Leases<ConatRoot>(DEFAULT_GRACE_MS);

const identities = new WeakMap<object, number>();
let lastIdentity = 0;

/** A number that no other function or object has; 0 for what is compared by content. */
function identify(value: unknown): number {
  if (typeof value !== "function" && typeof value !== "object") return 0;
  const key = Object(value);
  lastIdentity += 1;
  const identity = identities.get(key) ?? lastIdentity;
  identities.set(key, identity);
  return identity;
}

/** Asks the token function of the latest render, which closes over the latest state. */
function withLatestToken(latest: { readonly current: ConnectOptions }): ConnectOptions {
  const { current } = latest;
  if (typeof current.token !== "function") return current;
  const token = (): string | Promise<string> => {
    const { token: now = "" } = latest.current;
    return typeof now === "function" ? now() : now;
  };
  return { ...current, token };
}
