import * as v from "valibot";
import { MAX_TOKEN_LENGTH } from "../limits.ts";
import { natural } from "./common.ts";

const bearer = v.pipe(v.string(), v.maxLength(MAX_TOKEN_LENGTH));

/** Sent by the client in the Socket.IO handshake (`auth`). */
export const hello = v.object({
  /** Protocol version the client speaks. */
  v: natural,
  /** Instance id of the client; survives its reconnects, so that it finds its own writes again. */
  client: v.pipe(v.string(), v.regex(/^[A-Za-z0-9_-]{16,64}$/)),
  /** Bearer token, where the hub asks for one. */
  token: v.optional(bearer),
  /** Who the client says it is; believed only by a hub in development mode. */
  identity: v.optional(
    v.strictObject({
      account_id: v.optional(v.string()),
      project_id: v.optional(v.string()),
      projects: v.optional(
        v.union([
          v.array(v.string()),
          v.record(v.string(), v.picklist(["viewer", "editor", "owner"])),
        ]),
      ),
    }),
  ),
});
export type Hello = v.InferOutput<typeof hello>;

/** Event `welcome`, hub → client: the first message of every connection. */
export const welcome = v.strictTuple([
  v.object({
    v: natural,
    /** Origin of this client's writes: its instance id bound to its identity. */
    origin: v.string(),
    /** The hub's clock, in milliseconds since the epoch. */
    time: v.number(),
    /** Which hub this is, for people reading logs. */
    hub: v.string(),
    /** How long the client's grant is good for, in milliseconds from now; absent when it does not end. */
    leftMs: v.optional(v.number()),
  }),
]);
export type Welcome = v.InferOutput<typeof welcome>[0];

/** Event `leave`, client → hub: this client will not come back; what lasts until it disconnects ends now. */
export const leave = v.strictTuple([]);

/** Event `bye`, hub → client: the hub is about to close this connection. `[error kind, message, move within ms]` */
export const bye = v.strictTuple([v.string(), v.string(), natural]);

/** Event `token`, client → hub: a new bearer token of the same principal. Answered by `identity`. */
export const token = v.strictTuple([bearer]);

/**
 * Event `identity`, hub → client: what became of the client's grant.
 * `[how long it is good for in ms or null for ever, null | [error kind, message] why a new token was not taken]`
 */
export const identity = v.strictTuple([
  v.nullable(v.number()),
  v.nullable(v.strictTuple([v.string(), v.string()])),
]);

/** What travels as `data` of a refused handshake. */
export const refusal = v.object({ kind: v.string(), message: v.string() });
export type Refusal = v.InferOutput<typeof refusal>;
