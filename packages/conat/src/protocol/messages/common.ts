import * as v from "valibot";
import { MAX_NAME_BYTES, MAX_SCOPE_ID_BYTES } from "../limits.ts";
import type { Scope, StoreRef, TopicRef } from "../scope.ts";

/** A non-negative whole number that a double holds exactly: sequences, write numbers, ids. */
export const natural = v.pipe(v.number(), v.safeInteger(), v.minValue(0));

/** UTF-8 length is checked again where the name becomes a subject; this bounds the work before that. */
export const name = v.pipe(v.string(), v.maxLength(MAX_NAME_BYTES));

export const bytes = v.instance(Uint8Array<ArrayBufferLike>);

const scopeKind = v.picklist(["account", "project", "hub"]);
const scopeId = v.pipe(v.string(), v.maxLength(MAX_SCOPE_ID_BYTES));

/** `[scope kind, scope id]` */
export const scope = v.strictTuple([scopeKind, scopeId]);
export type WireScope = v.InferOutput<typeof scope>;

/** `[scope kind, scope id, store, ephemeral 0|1, service]` */
export const storeRef = v.strictTuple([scopeKind, scopeId, name, v.picklist([0, 1]), name]);
export type WireStoreRef = v.InferOutput<typeof storeRef>;

/** `[scope kind, scope id, path, name]` */
export const topicRef = v.strictTuple([scopeKind, scopeId, name, name]);
export type WireTopicRef = v.InferOutput<typeof topicRef>;

export function fromWireScope([kind, id]: WireScope): Scope {
  return { kind, id };
}

export function toWireStoreRef(ref: StoreRef): WireStoreRef {
  return [ref.scope.kind, ref.scope.id, ref.name, ref.ephemeral ? 1 : 0, ref.service];
}

export function fromWireStoreRef([kind, id, store, ephemeral, service]: WireStoreRef): StoreRef {
  return { scope: { kind, id }, name: store, ephemeral: ephemeral === 1, service };
}

export function toWireTopicRef(ref: TopicRef): WireTopicRef {
  return [ref.scope.kind, ref.scope.id, ref.path, ref.name];
}

export function fromWireTopicRef([kind, id, path, topic]: WireTopicRef): TopicRef {
  return { scope: { kind, id }, path, name: topic };
}
