import type { NatsConnection } from "@nats-io/nats-core";
import { ConatError } from "../protocol/conat-error.ts";
import type { Durability } from "../protocol/feed-position.ts";
import type { StoreRef } from "../protocol/scope.ts";
import { apiSubject, type Bucket, bucketName, bucketOf, streamName } from "../protocol/subjects.ts";
import {
  type BucketFacts,
  bucketConfig,
  bucketFacts,
  isBucket,
  missingFrom,
  type StreamInfo,
  streamInfo,
  withEpoch,
} from "./bucket-config.ts";
import type { Elections } from "./elections.ts";
import { apiRequest } from "./js-api.ts";
import { API_ERROR, ApiError } from "./nats-error.ts";
import { type ResolvedOptions, randomId } from "./options.ts";
import { probe } from "./probe.ts";

/** Buckets asked for at the same time: creating a replicated stream takes a leader election. */
const OPEN_CONCURRENCY = 8;

/** One opened bucket. */
export interface OpenBucket {
  readonly name: Bucket;
  /** Name of its stream. */
  readonly stream: string;
  /** Identity of its history; see Checkpoint. */
  readonly epoch: string;
  readonly durability: Durability;
  /** How long the marker of a removal is kept, in milliseconds. */
  readonly markerTtlMs: number;
  /** Several servers keep it. Its leader may refuse a write before it has dealt with those that came before. */
  readonly isReplicated: boolean;
  /** It has a subject for each key where it tells what it stores; see `republishing`. */
  readonly isToldByKey: boolean;
  /** Where the history was, by the server's clock, when this session first saw it. */
  seenFirst: { readonly seq: number; readonly time: number };
  /** Highest sequence this session knows to be stored. A server that has less has lost some. */
  highWater: number;
  /** Sequences have certainly been given out again, however far the bucket has got since. */
  hasGoneBack: boolean;
}

/** The fixed buckets that hold all stores. */
export class Buckets {
  readonly partitions: number;
  readonly #byName: ReadonlyMap<Bucket, OpenBucket>;
  /** The last that was asked for: the next store is mostly of the same scope. */
  #last: { kind: string; id: string; ephemeral: boolean; bucket: OpenBucket } | undefined;

  constructor(partitions: number, buckets: Iterable<OpenBucket>) {
    this.partitions = partitions;
    this.#byName = new Map(Array.from(buckets, (bucket) => [bucket.name, bucket]));
  }

  /** The bucket that keeps a store. */
  of({ scope, ephemeral }: Pick<StoreRef, "scope" | "ephemeral">): OpenBucket {
    const { kind, id } = scope;
    const last = this.#last;
    if (last?.id === id && last.kind === kind && last.ephemeral === ephemeral) return last.bucket;
    const name = bucketOf(scope, ephemeral, this.partitions);
    const bucket = this.#byName.get(name);
    if (bucket === undefined) throw new ConatError("internal", `the bucket ${name} is not open`);
    this.#last = { kind, id, ephemeral, bucket };
    return bucket;
  }

  /** The shortest time that any of them keeps the marker of a removal, in milliseconds. */
  get markerTtlMs(): number {
    return Math.min(...Array.from(this.#byName.values(), (bucket) => bucket.markerTtlMs));
  }

  get(name: Bucket): OpenBucket | undefined {
    return this.#byName.get(name);
  }

  /** Whether one of them has certainly another history than it says. */
  get haveGoneBack(): boolean {
    return [...this.#byName.values()].some(({ hasGoneBack }) => hasGoneBack);
  }

  /** Whether all are the same buckets with the same history, replicated and told as before. */
  isSameAs(others: Buckets): boolean {
    for (const [name, { epoch, isReplicated, isToldByKey }] of this.#byName) {
      const other = others.get(name);
      if (other?.epoch !== epoch || other.isReplicated !== isReplicated) return false;
      if (other.isToldByKey !== isToldByKey) return false;
    }
    return this.partitions === others.partitions;
  }
}

export interface OpenedBuckets {
  readonly buckets: Buckets;
  /** The server's clock minus ours, in milliseconds. */
  readonly clockOffsetMs: number;
}

/**
 * Opens every bucket and creates those that are missing. Others may do the same at the same time: whoever comes first
 * decides, and all end up with the same buckets.
 * @param previous what was open before: a bucket whose sequence has gone back gets another epoch, for everybody.
 * @throws ConatError `bad-options` when a bucket is not what was asked for, `server-too-old` when the server dropped a
 * setting that it does not know; ApiError and the client library's errors.
 */
export async function openBuckets(
  connection: NatsConnection,
  options: ResolvedOptions,
  previous: Buckets | undefined,
  elections: Elections,
): Promise<OpenedBuckets> {
  const opener = new Opener(connection, options, previous, elections);
  const firstName = bucketName(false, 0);
  const first = await opener.open(firstName, false, options.partitions ?? 1, false);
  // Sessions of an earlier version that use the first can use no others beside it.
  const { partitions, isToldByKey } = first;
  if (options.partitions !== undefined && options.partitions !== partitions) {
    throw new ConatError(
      "bad-options",
      `the buckets have ${partitions} partitions, not ${options.partitions}: ` +
        "leave partitions out, or copy the data into new buckets",
    );
  }
  const opened: OpenBucket[] = [opener.toBucket(firstName, false, first)];
  const rest: [name: Bucket, ephemeral: boolean][] = [];
  for (let index = 0; index < partitions; index += 1) {
    if (index > 0) rest.push([bucketName(false, index), false]);
    rest.push([bucketName(true, index), true]);
  }
  const work = async (): Promise<void> => {
    for (let next = rest.pop(); next !== undefined; next = rest.pop()) {
      const [name, ephemeral] = next;
      const facts = await opener.open(name, ephemeral, partitions, isToldByKey);
      opened.push(opener.toBucket(name, ephemeral, facts));
    }
  };
  await Promise.all(Array.from({ length: OPEN_CONCURRENCY }, work));
  return { buckets: new Buckets(partitions, opened), clockOffsetMs: opener.clockOffsetMs };
}

/** A sequence that is stored in the history `epoch`. */
interface Known {
  readonly epoch: string;
  readonly seq: number;
  readonly hasGoneBack: boolean;
}

class Opener {
  readonly #connection: NatsConnection;
  readonly #options: ResolvedOptions;
  readonly #previous: Buckets | undefined;
  readonly #elections: Elections;
  clockOffsetMs = 0;

  constructor(
    connection: NatsConnection,
    options: ResolvedOptions,
    previous: Buckets | undefined,
    elections: Elections,
  ) {
    this.#connection = connection;
    this.#options = options;
    this.#previous = previous;
    this.#elections = elections;
  }

  /** @param isToldByKey where it has to be made */
  async open(
    name: Bucket,
    ephemeral: boolean,
    partitions: number,
    isToldByKey: boolean,
  ): Promise<BucketFacts> {
    const known = this.#knownOf(name);
    const found = await this.#describe(name);
    if (found !== undefined) {
      const facts = this.#accept(found, name, ephemeral, "bad-options");
      return wentBack(facts, known) ? this.#newEpoch(name, ephemeral, facts) : facts;
    }
    const epoch = randomId();
    const config = bucketConfig(name, ephemeral, partitions, epoch, isToldByKey, this.#options);
    try {
      const created = await this.#request("CREATE", name, config);
      return this.#accept(created, name, ephemeral, "server-too-old");
    } catch (error) {
      if (!isApiError(error, API_ERROR.differentConfiguration)) throw error;
      const theirs = await this.#describe(name);
      if (theirs === undefined) throw error;
      return this.#accept(theirs, name, ephemeral, "bad-options");
    }
  }

  toBucket(name: Bucket, ephemeral: boolean, facts: BucketFacts): OpenBucket {
    const before = this.#previous?.get(name);
    const isSame = before?.epoch === facts.epoch;
    return {
      name,
      stream: streamName(name),
      epoch: facts.epoch,
      durability: ephemeral ? "memory" : this.#options.durability,
      markerTtlMs: facts.markerTtlMs,
      isReplicated: facts.isReplicated,
      isToldByKey: facts.isToldByKey,
      seenFirst: isSame
        ? before.seenFirst
        : { seq: facts.lastSeq, time: this.#options.now() + this.clockOffsetMs },
      highWater: isSame ? Math.max(before.highWater, facts.lastSeq) : facts.lastSeq,
      hasGoneBack: isSame && before.hasGoneBack,
    };
  }

  /** What is known to be stored now; later writes raise it while a question is on its way. */
  #knownOf(name: Bucket): Known | undefined {
    const before = this.#previous?.get(name);
    if (before === undefined) return undefined;
    return { epoch: before.epoch, seq: before.highWater, hasGoneBack: before.hasGoneBack };
  }

  /** Says in the bucket itself that its history is another one now, so that every session comes to know. */
  async #newEpoch(name: Bucket, ephemeral: boolean, facts: BucketFacts): Promise<BucketFacts> {
    // Who describes a stream may have been its leader once, and not know yet that it is not any more.
    const known = this.#knownOf(name);
    const lastSeq = await probe(this.#connection, name, this.#options.requestTimeoutMs);
    if (!wentBack({ ...facts, lastSeq }, known)) return { ...facts, lastSeq };
    const info = await this.#describe(name);
    if (info === undefined) throw new ConatError("unavailable", `the bucket ${name} is gone`);
    const now = bucketFacts(info, name);
    // Somebody else was faster.
    if (now.epoch !== facts.epoch) return now;
    const updated = await this.#request("UPDATE", name, withEpoch(info, randomId()));
    return this.#accept(updated, name, ephemeral, "server-too-old");
  }

  async #describe(name: Bucket): Promise<StreamInfo | undefined> {
    try {
      const info = await this.#elections.ask(streamName(name), () =>
        this.#request("INFO", name, undefined),
      );
      if (info.cluster?.leader !== "") return info;
    } catch (error) {
      if (isApiError(error, API_ERROR.streamNotFound)) return undefined;
      throw error;
    }
    throw new ConatError("unavailable", `the bucket ${name} has no leader now`);
  }

  async #request(
    verb: "CREATE" | "INFO" | "UPDATE",
    name: Bucket,
    payload: unknown,
  ): Promise<StreamInfo> {
    const subject = apiSubject(`STREAM.${verb}`, streamName(name));
    const { now, requestTimeoutMs } = this.#options;
    const sent = now();
    const info = await apiRequest(this.#connection, subject, payload, streamInfo, requestTimeoutMs);
    const serverTime = Date.parse(info.ts);
    if (Number.isFinite(serverTime)) this.clockOffsetMs = serverTime - (sent + now()) / 2;
    return info;
  }

  #accept(
    info: StreamInfo,
    name: Bucket,
    ephemeral: boolean,
    kind: "bad-options" | "server-too-old",
  ): BucketFacts {
    const missing = missingFrom(info, name, ephemeral);
    if (missing.length === 0) return bucketFacts(info, name);
    const advice = kind === "server-too-old" ? DROPPED : isBucket(info) ? CHANGED : FOREIGN;
    throw new ConatError(
      kind,
      `the stream ${streamName(name)} cannot serve as a bucket (${advice}): ${missing.join("; ")}`,
    );
  }
}

const DROPPED = "the server dropped what it does not know; upgrade nats-server";
const FOREIGN = "it was made by something else; rename or remove it";
/** Never to remove it: there may be all that somebody has. */
const CHANGED = "a newer conat made it, or somebody has changed it; upgrade conat, or put it back";

/** Sequences that were acknowledged would be given out again: to readers that is another history. */
function wentBack({ epoch, lastSeq }: BucketFacts, known: Known | undefined): boolean {
  return known?.epoch === epoch && (known.hasGoneBack || lastSeq < known.seq);
}

function isApiError(error: unknown, errCode: number): boolean {
  return error instanceof ApiError && error.errCode === errCode;
}
