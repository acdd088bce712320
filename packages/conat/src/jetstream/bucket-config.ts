import * as v from "valibot";
import {
  type Bucket,
  bucketSubjects,
  type Republishing,
  republishing,
  streamName,
} from "../protocol/subjects.ts";
import type { ResolvedOptions } from "./options.ts";

const NANOS_PER_MS = 1_000_000;

/** Where a bucket says which of how many partitions it is. */
const PARTITIONS_KEY = "conat.partitions";

/** Where a bucket says which history it has: a new id whenever that is noticed to be another one. */
const EPOCH_KEY = "conat.epoch";

/** What is sent to create the stream of a bucket: an ordinary NATS KV bucket with history 1, plus what conat needs. */
export function bucketConfig(
  bucket: Bucket,
  ephemeral: boolean,
  partitions: number,
  epoch: string,
  isToldByKey: boolean,
  options: ResolvedOptions,
): object {
  return {
    name: streamName(bucket),
    subjects: [bucketSubjects(bucket)],
    storage: ephemeral ? "memory" : "file",
    num_replicas: options.replicas,
    retention: "limits",
    discard: "new",
    max_msgs: -1,
    max_msgs_per_subject: 1,
    max_msg_size: -1,
    max_age: 0,
    max_bytes: ephemeral ? options.memoryMaxBytes : options.maxBytes,
    max_consumers: -1,
    duplicate_window: options.dedupeWindowMs * NANOS_PER_MS,
    deny_delete: true,
    allow_direct: true,
    allow_rollup_hdrs: true,
    allow_msg_ttl: true,
    allow_atomic: true,
    subject_delete_marker_ttl: Math.ceil(options.markerTtlMs / 1_000) * 1_000 * NANOS_PER_MS,
    republish: republishing(bucket, isToldByKey),
    metadata: { [PARTITIONS_KEY]: String(partitions), [EPOCH_KEY]: epoch },
  };
}

/** Answer to a request that creates or describes a stream. An absent field is one that the server does not know. */
export const streamInfo = v.object({
  // Loose: what is sent back to change one field must have all the others.
  config: v.looseObject({
    subjects: v.optional(v.array(v.string()), []),
    storage: v.string(),
    num_replicas: v.optional(v.number(), 1),
    discard: v.optional(v.string(), ""),
    max_msgs_per_subject: v.optional(v.number(), 0),
    allow_direct: v.optional(v.boolean(), false),
    allow_rollup_hdrs: v.optional(v.boolean(), false),
    allow_msg_ttl: v.optional(v.boolean(), false),
    allow_atomic: v.optional(v.boolean(), false),
    subject_delete_marker_ttl: v.optional(v.number(), 0),
    republish: v.optional(v.object({ src: v.string(), dest: v.string() }), { src: "", dest: "" }),
    metadata: v.optional(v.record(v.string(), v.string()), {}),
  }),
  state: v.object({ last_seq: v.number() }),
  created: v.string(),
  /** In a cluster; without a leader what is said of the stream is not certain, and nothing can be stored. */
  cluster: v.optional(v.object({ leader: v.optional(v.string(), "") })),
  /** The server's clock. */
  ts: v.optional(v.string(), ""),
});
export type StreamInfo = v.InferOutput<typeof streamInfo>;

/** What a bucket turned out to be. */
export interface BucketFacts {
  readonly epoch: string;
  readonly partitions: number;
  readonly markerTtlMs: number;
  readonly isReplicated: boolean;
  /** It has a subject for each key where it tells what it stores; see `republishing`. */
  readonly isToldByKey: boolean;
  readonly lastSeq: number;
}

/** The configuration of a bucket with another epoch. */
export function withEpoch({ config }: StreamInfo, epoch: string): object {
  return { ...config, metadata: { ...config.metadata, [EPOCH_KEY]: epoch } };
}

/** Whether conat has made the stream, in whatever version. */
export function isBucket({ config }: StreamInfo): boolean {
  return config.metadata[EPOCH_KEY] !== undefined;
}

/** What is missing for the stream to serve as the bucket, in words; empty when nothing is. */
export function missingFrom(info: StreamInfo, bucket: Bucket, ephemeral: boolean): string[] {
  const { config } = info;
  const told = republishing(bucket, isToldByKey(info, bucket));
  const needs: [name: string, have: unknown, want: unknown][] = [
    ["subjects", config.subjects.join(" "), bucketSubjects(bucket)],
    ["storage", config.storage, ephemeral ? "memory" : "file"],
    ["max_msgs_per_subject", config.max_msgs_per_subject, 1],
    ["discard", config.discard, "new"],
    ["allow_direct", config.allow_direct, true],
    ["allow_rollup_hdrs", config.allow_rollup_hdrs, true],
    ["allow_msg_ttl", config.allow_msg_ttl, true],
    ["allow_atomic", config.allow_atomic, true],
    ["subject_delete_marker_ttl", config.subject_delete_marker_ttl > 0, true],
    ["republish", inWords(config.republish), inWords(told)],
    [EPOCH_KEY, isBucket(info), true],
    [PARTITIONS_KEY, Number(config.metadata[PARTITIONS_KEY]) > 0, true],
  ];
  return needs
    .filter(([, have, want]) => have !== want)
    .map(([name, have, want]) => `${name} is ${String(have)} and must be ${String(want)}`);
}

function isToldByKey({ config }: StreamInfo, bucket: Bucket): boolean {
  return inWords(config.republish) === inWords(republishing(bucket, true));
}

function inWords({ src, dest }: Republishing): string {
  return src === "" ? "off" : `${src} to ${dest}`;
}

export function bucketFacts(info: StreamInfo, bucket: Bucket): BucketFacts {
  const { config, state, created } = info;
  return {
    // Who puts a bucket back as it was configured copies the id. When it was created is the same on every node, and stays
    // so over restarts, changes of the leader and of the configuration, and in a copy of the data.
    epoch: `${config.metadata[EPOCH_KEY]}.${Date.parse(created).toString(36)}`,
    partitions: Number(config.metadata[PARTITIONS_KEY]),
    markerTtlMs: config.subject_delete_marker_ttl / NANOS_PER_MS,
    isReplicated: config.num_replicas > 1,
    isToldByKey: isToldByKey(info, bucket),
    lastSeq: state.last_seq,
  };
}
