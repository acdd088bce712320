import type { DKV } from "../dkv/dkv.ts";
import type { DkvChange } from "../dkv/dkv-events.ts";
import { dkv } from "../dkv/open-dkv.ts";
import { valueBytes } from "../protocol/entry.ts";
import { parseName } from "../protocol/scope.ts";
import { decodeValue } from "../protocol/value-codec.ts";
import { notFound } from "./exit.ts";
import { describeEntry, describeValue, printJson, say, toTimeText } from "./output.ts";
import type { Target } from "./target.ts";

export interface GetOptions {
  /** Print the stored bytes. */
  readonly raw?: boolean;
  /** Print a string without quotes. */
  readonly string?: boolean;
  /** Print the entry with its sequence and the rest. */
  readonly long?: boolean;
}

/** Prints the value of one key. */
export async function get(target: Target, key: string, options: GetOptions): Promise<void> {
  const ref = target.store();
  const entry = await target.client.session.read(ref, parseName("the key", key));
  if (entry?.kind !== "put") {
    const [which, where] = [JSON.stringify(key), JSON.stringify(ref.name)];
    throw notFound(`there is no key ${which} in the store ${where} of ${target.place}`);
  }
  if (options.raw) {
    process.stdout.write(valueBytes(entry));
    return;
  }
  if (options.long) {
    printJson(describeEntry(entry));
    return;
  }
  const value = decodeValue(entry.buffer, entry.start, entry.end);
  if (options.string && typeof value === "string") process.stdout.write(`${value}\n`);
  else printJson(value);
}

export interface LsOptions {
  /** Print entries, not only keys. */
  readonly long?: boolean;
}

/** Prints every key, in alphabetical order. */
export async function ls(target: Target, options: LsOptions): Promise<void> {
  const store = await openStore(target);
  for (const key of store.keys().sort()) printJson(options.long ? describeKey(store, key) : key);
}

export interface WatchOptions {
  /** Print what is there, before the changes. */
  readonly snapshot?: boolean;
}

/** Prints every change, of all keys or of those named, until `stop` is aborted or the store ends. */
export async function watch(
  target: Target,
  keys: readonly string[],
  options: WatchOptions,
  stop: AbortSignal,
): Promise<void> {
  const wanted = new Set(keys);
  const isWanted = (key: string): boolean => wanted.size === 0 || wanted.has(key);
  const store = await openStore(target);
  const ended = new Promise<void>((resolve, reject) => {
    stop.addEventListener("abort", () => resolve());
    if (stop.aborted) resolve();
    store.on("closed", (error) => (error ? reject(error) : resolve()));
  });
  store.on("change", (change) => {
    if (isWanted(change.key)) printJson(describeChange(store, change));
  });
  store.on("status", (status) => {
    if (status === "stale") say("the connection is lost; what is missed comes when it is back");
    if (status === "live") say("connected again");
  });
  if (options.snapshot) {
    for (const key of store.keys().sort()) {
      if (isWanted(key)) printJson({ kind: "put", ...describeKey(store, key) });
    }
  }
  await ended;
}

function openStore(target: Target): Promise<DKV<unknown>> {
  const { name, ephemeral } = target.store();
  const { client, timeoutMs, scopeOptions } = target;
  return dkv<unknown>({ client, ...scopeOptions, name, ephemeral, timeoutMs });
}

function describeKey(store: DKV<unknown>, key: string): object {
  const headers = store.headers(key);
  return {
    key,
    ...describeValue(() => decodeValue(store.raw(key) ?? new Uint8Array(0))),
    seq: store.seq(key),
    time: toTimeText(store.time(key) ?? 0),
    ...(headers === undefined ? {} : { headers }),
  };
}

function describeChange(store: DKV<unknown>, change: DkvChange<unknown>): object {
  const { kind, key, seq, time } = change;
  if (kind === "put") return { kind, ...describeKey(store, key) };
  return { kind, key, seq, time: toTimeText(time) };
}
