import { defaultClient } from "../client/default-client.ts";
import { ConatError } from "../protocol/conat-error.ts";
import { scopeKey, storeKey } from "../protocol/scope.ts";
import type { Session } from "../session/session.ts";
import { within } from "../util/within.ts";
import { DKV } from "./dkv.ts";
import {
  behaviourOf,
  type DkvOptions,
  type ResolvedDkvOptions,
  resolveDkvOptions,
} from "./dkv-options.ts";

interface CachedStore {
  readonly store: DKV<unknown>;
  readonly behaviour: Readonly<Record<string, unknown>>;
}

/** Open stores of each session, so that every part of an application that opens one shares it. */
const openStores = new WeakMap<Session, Map<string, CachedStore>>();

/**
 * Opens a shared key-value store. Resolves when its content is complete and live. The same store opened again on the
 * same connection is the same instance; each open is paired with a `close`.
 * @throws ConatError `bad-options`, `bad-name`, `forbidden`, `not-durable`, `timeout` after `timeoutMs`, and others
 */
export async function dkv<T = unknown>(options: DkvOptions<T>): Promise<DKV<T>> {
  const resolved = resolveDkvOptions(options);
  const { session } = options.client ?? defaultClient();
  const deadline = performance.now() + resolved.timeoutMs;
  const store = (
    resolved.noCache
      ? new DKV(session, resolved, () => {})
      : await shared(session, resolved, deadline)
  ) as DKV<T>;
  try {
    await untilLive(store, session, resolved, deadline);
    if (resolved.sync && store.durability !== "disk") {
      throw new ConatError(
        "not-durable",
        `sync: true needs a server that flushes before it acknowledges; here an acknowledgement means "${store.durability}"`,
      );
    }
    return store;
  } catch (error) {
    await store.close().catch(() => {});
    throw error;
  }
}

async function shared(
  session: Session,
  options: ResolvedDkvOptions,
  deadline: number,
): Promise<DKV<unknown>> {
  const stores = openStores.get(session) ?? new Map<string, CachedStore>();
  openStores.set(session, stores);
  const slot = storeKey(options.ref);
  const behaviour = behaviourOf(options);
  // One that is being closed still sends what was written to it; opened before that, the new one would not have it.
  for (let last = stores.get(slot); last?.store.closed; last = stores.get(slot)) {
    const { ref, timeoutMs } = options;
    const late = `the store ${JSON.stringify(ref.name)} is still being closed after ${timeoutMs} ms`;
    await within(
      deadline - performance.now(),
      last.store.close().catch(() => {}),
      () => new ConatError("timeout", late),
    );
  }
  const cached = stores.get(slot);
  if (cached) {
    for (const [option, value] of Object.entries(behaviour)) {
      if (cached.behaviour[option] === value) continue;
      throw new ConatError(
        "bad-options",
        `the store ${JSON.stringify(options.ref.name)} is open already with another ${option}; open it the same way, or with noCache: true`,
      );
    }
    cached.store.retain();
    return cached.store;
  }
  const store: DKV<unknown> = new DKV(session, options, () => {
    if (stores.get(slot)?.store === store) stores.delete(slot);
  });
  stores.set(slot, { store, behaviour });
  return store;
}

/** Resolves when the store has its content; rejects when it is refused or the deadline passes. */
function untilLive<T>(
  store: DKV<T>,
  session: Session,
  options: ResolvedDkvOptions,
  deadline: number,
): Promise<void> {
  if (store.status === "live" || store.status === "storage-full") return Promise.resolve();
  if (store.status === "closed") {
    const why = session.status.error ?? new ConatError("closed", "the store has ended already");
    return Promise.reject(why);
  }
  return new Promise((resolve, reject) => {
    const { ref, timeoutMs } = options;
    const stops = [
      store.on("status", (status) => {
        if (status === "live") finish();
      }),
      store.on("closed", (error) => {
        finish(error ?? new ConatError("closed", "the store was closed while it was opening"));
      }),
    ];
    const timer = setTimeout(() => {
      const { state, error } = session.status;
      const why = error ? `: ${error.message}` : "";
      const what = `the store ${JSON.stringify(ref.name)} of ${scopeKey(ref.scope)}`;
      const message = `${what} could not be opened within ${timeoutMs} ms; the connection is ${state}${why}`;
      finish(new ConatError("timeout", message, { cause: error }));
    }, deadline - performance.now());
    const finish = (error?: ConatError): void => {
      clearTimeout(timer);
      for (const stop of stops) stop();
      if (error) reject(error);
      else resolve();
    };
  });
}
