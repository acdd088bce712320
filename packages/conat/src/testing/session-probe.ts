import { type Entry, valueBytes } from "../protocol/entry.ts";
import type { Checkpoint } from "../protocol/feed-position.ts";
import type { StoreRef, TopicRef } from "../protocol/scope.ts";
import type {
  Feed,
  FeedEvent,
  Mutation,
  Session,
  Subscription,
  TopicMessage,
  WriteFailed,
  WriteResult,
  WriteStored,
} from "../session/session.ts";
import { eventually } from "./eventually.ts";

const text = new TextEncoder();
const fromText = new TextDecoder();

export function encodeText(value: string): Uint8Array {
  return text.encode(value);
}

export function textOf(bytes: Uint8Array): string {
  return fromText.decode(bytes);
}

/** A feed that is written down: every event, and the entries by key as a store would hold them. */
export class FeedProbe {
  readonly events: FeedEvent[] = [];
  /** Every entry that was told, in order. */
  readonly entries: Entry[] = [];
  /** The latest entry of each key. */
  readonly latest = new Map<string, Entry>();
  readonly #feed: Feed;

  constructor(session: Session, ref: StoreRef, since?: Checkpoint) {
    this.#feed = session.openStore(ref, (event) => this.#onEvent(event), { since });
  }

  #onEvent(event: FeedEvent): void {
    this.events.push(event);
    if (event.type !== "entries") return;
    for (const entry of event.batch.entries) {
      this.entries.push(entry);
      if (entry.kind === "floor") {
        for (const [key, { seq }] of this.latest) if (seq < entry.seq) this.latest.delete(key);
        continue;
      }
      if (entry.seq > (this.latest.get(entry.key)?.seq ?? 0)) this.latest.set(entry.key, entry);
    }
  }

  get types(): string[] {
    return this.events.map(({ type }) => type);
  }

  /** The stored text of a key; `undefined` when it has none. */
  textOf(key: string): string | undefined {
    const entry = this.latest.get(key);
    return entry?.kind === "put" ? textOf(valueBytes(entry)) : undefined;
  }

  /** Every key that has a value, with its text. */
  content(): Record<string, string> {
    const content: Record<string, string> = Object.create(null);
    for (const key of this.latest.keys()) {
      const value = this.textOf(key);
      if (value !== undefined) content[key] = value;
    }
    return content;
  }

  /** Waits until the feed is live, and gives the checkpoint it told then. */
  async synced(): Promise<Checkpoint> {
    return eventually(() => {
      const last = this.events.findLast(({ type }) => type === "synced" || type === "closed");
      if (last?.type === "closed") throw last.error;
      if (last?.type !== "synced") throw new Error(`not synced; told so far: ${this.types}`);
      return last.checkpoint;
    });
  }

  /** Waits for the entry of `key` at `seq`. */
  async entryAt(key: string, seq: number): Promise<Entry> {
    return eventually(() => {
      const entry = this.entries.find((one) => one.key === key && one.seq === seq);
      if (entry === undefined) throw new Error(`no entry of ${JSON.stringify(key)} at ${seq}`);
      return entry;
    });
  }

  close(): void {
    this.#feed.close();
  }
}

export type MutationFields = Partial<Omit<Mutation, "key" | "value">>;

/** A mutation of this session with the next write number; a string value is its stored text. */
export function mutate(
  session: Session,
  key: string,
  value: string | Uint8Array | undefined,
  fields: MutationFields = {},
): Mutation {
  return {
    key,
    value: typeof value === "string" ? encodeText(value) : value,
    origin: session.origin,
    write: session.nextWrite(),
    expectedSeq: undefined,
    ttlMs: 0,
    headers: undefined,
    ...fields,
  };
}

/** Writes and waits for every answer; they come in the order of the mutations. */
export function writeAll(
  session: Session,
  ref: StoreRef,
  mutations: readonly Mutation[],
): Promise<WriteResult[]> {
  return new Promise((resolve, reject) => {
    const results = new Map<number, WriteResult>();
    session.write(ref, mutations, (result) => {
      if (results.has(result.write)) reject(new Error(`write ${result.write} answered twice`));
      results.set(result.write, result);
      if (results.size < mutations.length) return;
      resolve(mutations.flatMap(({ write }) => results.get(write) ?? []));
    });
  });
}

/** Writes one mutation; rejects unless it is stored. */
export async function store(
  session: Session,
  ref: StoreRef,
  mutation: Mutation,
): Promise<WriteStored> {
  const [result] = await writeAll(session, ref, [mutation]);
  if (result === undefined) throw new Error("no answer");
  if (!result.ok) throw result.error;
  return result;
}

/** Writes one mutation; rejects unless it is refused. */
export async function refused(
  session: Session,
  ref: StoreRef,
  mutation: Mutation,
): Promise<WriteFailed> {
  const [result] = await writeAll(session, ref, [mutation]);
  if (result === undefined || result.ok) throw new Error("it was stored");
  return result;
}

/** A subscription that is written down. */
export class TopicProbe {
  readonly messages: TopicMessage[] = [];
  readonly closed: unknown[] = [];
  readonly #subscription: Subscription;

  constructor(session: Session, topic: TopicRef) {
    this.#subscription = session.subscribe(topic, {
      onMessage: (message) => this.messages.push(message),
      onLagged: () => {},
      onClosed: (error) => this.closed.push(error),
    });
  }

  get texts(): string[] {
    return this.messages.map(({ data }) => textOf(data));
  }

  close(): void {
    this.#subscription.close();
  }
}
