import { type Client, ConatError, type DKV, dkv, type SetOptions } from "@conat/conat";
import { mergeSet } from "@conat/conat/merge";
import {
  ALIVE,
  type Dump,
  EPHEMERAL,
  emptyDump,
  type HistoryEvent,
  STORES,
  type StoreName,
} from "./history.ts";
import { between, createRandom, pick } from "./random.ts";

export const PROJECT = "chaos";

/** Lifetime of what is written into the store "short", in milliseconds. */
export const SHORT_TTL_MS = 1_000;

/** Lifetime of what lasts as long as its client: how long a hub that died leaves it there, in milliseconds. */
const ALIVE_TTL_MS = 10_000;

/** How long a client may be connected without its key being there, in milliseconds. */
const ABSENT_MS = 10_000;

/** A client that looks again later than this has had no processor time: it could not set its key anew either. */
const MAX_AWAKE_MS = 1_000;

export interface WorkloadOptions {
  /** Name of this client, part of every value it writes. */
  readonly name: string;
  readonly client: Client;
  readonly seed: number;
  /** Mean pause between two operations, in milliseconds. */
  readonly pauseMs: number;
  readonly log: (event: HistoryEvent) => void;
}

/** A client at work. */
export interface Workload {
  /** Ends the work; resolves when everything written has ended. */
  stop(): Promise<void>;
  dump(): Dump;
  close(): Promise<void>;
}

const KEYS = { own: 5, shared: 6, counter: 3, short: 5, presence: 3 } as const;

const SET_OPTIONS: Readonly<Partial<Record<StoreName, SetOptions>>> = {
  short: { ttlMs: SHORT_TTL_MS },
  alive: { ttlMs: ALIVE_TTL_MS, untilDisconnect: true },
};

/** Members that one client keeps in the shared set, so that values stay small. */
const MAX_MEMBERS = 8;

/** Opens all stores and works on them until told to stop. Runs in Node and in a page. */
export async function startWorkload(options: WorkloadOptions): Promise<Workload> {
  const { client, log } = options;
  const stores = new Map<StoreName, DKV>();
  for (const name of STORES) {
    const store = await dkv({
      client,
      project_id: PROJECT,
      name,
      ephemeral: EPHEMERAL.includes(name),
      ...(name === "set" ? { merge: mergeSet<string[]> as never } : {}),
      timeoutMs: 60_000,
    });
    stores.set(name, store);
    store.on("change", ({ key, seq, value, own }) =>
      log({ type: "change", store: name, key, seq, value: value ?? null, own }),
    );
    store.on("error", ({ kind, message }) => log({ type: "error", store: name, kind, message }));
  }
  return new Worker(options, stores);
}

class Worker implements Workload {
  readonly #options: WorkloadOptions;
  readonly #stores: ReadonlyMap<StoreName, DKV>;
  readonly #random: () => number;
  readonly #open = new Set<Promise<void>>();
  /** What this client wrote last under its own keys, while it has reason to expect it there. */
  readonly #expected = new Map<string, unknown>();
  readonly #members = new Set<string>();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #operations = 0;
  /** How long the client's own key has not been there while the client was, and when it last looked, in milliseconds. */
  #absentMs = 0;
  #lookedAt = performance.now();

  constructor(options: WorkloadOptions, stores: ReadonlyMap<StoreName, DKV>) {
    this.#options = options;
    this.#stores = stores;
    this.#random = createRandom(options.seed);
    this.#store(ALIVE).on("status", () => {
      this.#absentMs = 0;
    });
    this.#operateOn(ALIVE);
    this.#schedule();
  }

  async stop(): Promise<void> {
    clearTimeout(this.#timer);
    while (this.#open.size > 0) await Promise.all(this.#open);
  }

  dump(): Dump {
    const all = emptyDump();
    for (const [name, store] of this.#stores) {
      for (const [key, value] of store.entries()) all[name][key] = { value, seq: store.seq(key) };
    }
    return all;
  }

  async close(): Promise<void> {
    await Promise.all(Array.from(this.#stores.values(), (store) => store.close()));
    await this.#options.client.close();
  }

  #schedule(): void {
    const pauseMs = this.#random() * 2 * this.#options.pauseMs;
    this.#timer = setTimeout(() => {
      this.#checkOwn();
      this.#checkAlive();
      this.#operateOn(pick(this.#random, ["own", "own", "shared", "shared", ...STORES]));
      this.#schedule();
    }, pauseMs);
  }

  #operateOn(name: StoreName): void {
    switch (name) {
      case "counter":
        this.#update(`c${between(this.#random, 0, KEYS.counter - 1)}`);
        return;
      case "set":
        this.#changeSet();
        return;
      case "shared":
        this.#write(name, `s${between(this.#random, 0, KEYS.shared - 1)}`);
        return;
      case "alive":
        this.#put(name, this.#options.name, `${this.#options.name}#${this.#operations + 1}`);
        return;
      case "own":
      case "short":
      case "presence":
        this.#write(name, `${this.#options.name}-${between(this.#random, 0, KEYS[name] - 1)}`);
        return;
    }
  }

  #write(name: StoreName, key: string): void {
    const isDelete = name !== "short" && this.#random() < 0.15;
    const value = `${this.#options.name}#${this.#operations + 1}`;
    this.#put(name, key, isDelete ? undefined : value);
  }

  #put(name: StoreName, key: string, value: unknown): void {
    const store = this.#store(name);
    if (value === undefined && !store.has(key)) return;
    this.#operations += 1;
    const n = this.#operations;
    const { log } = this.#options;
    log({ type: "intent", n, store: name, key, value: value ?? null });
    const write =
      value === undefined ? store.delete(key) : store.set(key, value, SET_OPTIONS[name]);
    if (JSON.stringify(store.get(key)) !== JSON.stringify(value)) {
      log({ type: "flaw", what: `${name} ${key} did not show what was just written` });
    }
    if (name === "own") this.#expected.set(key, value);
    if (write === undefined) return;
    this.#track(
      write.settled().then((outcome) => {
        const { status } = outcome;
        if (status === "confirmed") log({ type: "end", n, status, seq: outcome.seq });
        else if ("error" in outcome) log({ type: "end", n, status, kind: outcome.error.kind });
        else log({ type: "end", n, status });
        // What failed is not expected any more, and neither is what it replaced.
        if (name === "own" && "error" in outcome && this.#expected.get(key) === value) {
          this.#expected.delete(key);
        }
      }),
    );
  }

  #update(key: string): void {
    this.#operations += 1;
    const n = this.#operations;
    const { log } = this.#options;
    log({ type: "update", n, store: "counter", key });
    const store = this.#store("counter");
    this.#track(
      store
        .update(key, (value) => (typeof value === "number" ? value : 0) + 1)
        .then(
          () => log({ type: "updated", n }),
          (error) => {
            log({
              type: "updated",
              n,
              kind: error instanceof ConatError ? error.kind : String(error),
            });
          },
        ),
    );
  }

  #changeSet(): void {
    const before = this.#store("set").get("members");
    const members = Array.isArray(before) ? before : [];
    const [oldest] = this.#members;
    const full = this.#members.size >= MAX_MEMBERS && oldest !== undefined;
    if (full) {
      this.#members.delete(oldest);
      this.#put(
        "set",
        "members",
        members.filter((member) => member !== oldest),
      );
      return;
    }
    const member = `${this.#options.name}#${this.#operations + 1}`;
    this.#members.add(member);
    this.#put("set", "members", [...members, member]);
  }

  /** Nobody else writes the client's own keys: they show what it wrote last. */
  #checkOwn(): void {
    const store = this.#store("own");
    for (const [key, value] of this.#expected) {
      const shown = store.get(key);
      if (shown === value) continue;
      this.#options.log({
        type: "flaw",
        what: `own ${key} shows ${String(shown)} after ${String(value)} was written`,
      });
      this.#expected.delete(key);
    }
  }

  /** A client that is connected is there, for itself and for everybody else. */
  #checkAlive(): void {
    const store = this.#store(ALIVE);
    const { name, log } = this.#options;
    const now = performance.now();
    const awakeMs = Math.min(MAX_AWAKE_MS, now - this.#lookedAt);
    this.#lookedAt = now;
    if (store.has(name) || store.status !== "live") this.#absentMs = 0;
    else this.#absentMs += awakeMs;
    if (this.#absentMs < ABSENT_MS) return;
    log({ type: "flaw", what: "its key is not there although it is connected" });
    this.#absentMs = 0;
  }

  #track(work: Promise<void>): void {
    const tracked = work.finally(() => this.#open.delete(tracked));
    this.#open.add(tracked);
  }

  #store(name: StoreName): DKV {
    const store = this.#stores.get(name);
    if (store === undefined) throw new Error(`the store ${name} is not open`);
    return store;
  }
}
