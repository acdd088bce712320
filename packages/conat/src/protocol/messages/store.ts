import * as v from "valibot";
import { MAX_TOLD } from "../limits.ts";
import { bytes, name, natural, storeRef } from "./common.ts";

/** `[epoch, sequence, time]`: see Checkpoint. */
export const checkpoint = v.strictTuple([
  v.pipe(v.string(), v.maxLength(128)),
  natural,
  v.number(),
]);

/**
 * `[verified sequence, [difference…]]`: up to where the checkpoint is verified, and by how much what the client has is
 * beyond that. See Doubt.
 */
export const doubt = v.strictTuple([natural, v.pipe(v.array(natural), v.maxLength(MAX_TOLD))]);

/** Event `open`, client → hub: `[feed id chosen by the client, store, checkpoint to continue from, what is not certain of it]` */
export const openStore = v.strictTuple([
  natural,
  storeRef,
  v.nullable(checkpoint),
  v.optional(v.nullable(doubt), null),
]);

/** Event `close`, client → hub: `[feed id]` */
export const closeStore = v.strictTuple([natural]);

/**
 * Event `reset`, hub → client: a snapshot or delta follows.
 * `[feed id, channel of the live entries, 0 full | 1 delta, epoch, durability]`
 */
export const reset = v.strictTuple([
  natural,
  natural,
  v.picklist([0, 1]),
  v.string(),
  v.picklist(["memory", "os", "disk", "unknown"]),
]);

/** Event `snapshot`, hub → client: one chunk. `[feed id, block]` */
export const snapshot = v.strictTuple([natural, bytes]);

/** Event `synced`, hub → client: the feed is live. `[feed id, checkpoint]` */
export const synced = v.strictTuple([natural, checkpoint]);

/**
 * Event `live`, hub → client: `[channel, block, position]`. One buffer serves every reader of the channel. A client
 * may see entries of a channel between `reset` and `synced`; the sequence decides which of two is newer.
 */
export const live = v.strictTuple([natural, bytes, natural]);

/**
 * Event `verified`, hub → client, after each `synced` but that of a pause, and from time to time: what was told on the
 * channel has been held against what is stored up to this sequence. `[channel, sequence]`
 */
export const verified = v.strictTuple([natural, natural]);

/** Event `stale`, hub → client: the feed lags and will start again with `reset`. `[feed id, error kind, message]` */
export const stale = v.strictTuple([natural, v.string(), v.string()]);

/** Event `closed`, hub → client: the feed has ended. `[feed id, error kind, message]` */
export const closed = v.strictTuple([natural, v.string(), v.string()]);

/**
 * `[write number, key, value or null to delete, options]`, options
 * `{ s expected sequence, t ttl in ms, h headers, d 1: only until this client disconnects,
 * u 1: an attempt of an update, made again at once after a conflict }`
 */
export const mutation = v.strictTuple([
  natural,
  name,
  v.nullable(bytes),
  v.nullable(
    v.strictObject({
      s: v.optional(natural),
      t: v.optional(natural),
      h: v.optional(v.record(v.string(), v.string())),
      d: v.optional(v.literal(1)),
      u: v.optional(v.literal(1)),
    }),
  ),
]);
export type WireMutation = v.InferOutput<typeof mutation>;

/** Most mutations in one `write`. */
export const MAX_MUTATIONS = 1_000;

/** Event `write`, client → hub: `[store, mutations]`. Answered by `ack` and `nack`. */
export const write = v.strictTuple([
  storeRef,
  v.pipe(v.array(mutation), v.maxLength(MAX_MUTATIONS)),
]);

/** Event `ack`, hub → client: `[[write, sequence, write, sequence, …], [writes that are duplicates]]` */
export const ack = v.strictTuple([v.array(natural), v.array(natural)]);

/** Event `nack`, hub → client: `[write, error kind, message, block with the current entry or null]` */
export const nack = v.strictTuple([natural, v.string(), v.string(), v.nullable(bytes)]);

/** Event `read`, client → hub: `[request id, store, key]` */
export const read = v.strictTuple([natural, storeRef, name]);

/** Event `entry`, hub → client: `[request id, block with at most one entry, null | [error kind, message]]` */
export const entry = v.strictTuple([
  natural,
  v.nullable(bytes),
  v.nullable(v.strictTuple([v.string(), v.string()])),
]);
