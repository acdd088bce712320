import * as v from "valibot";
import { name, natural, scope, storeRef } from "./common.ts";

const refusal = v.nullable(v.strictTuple([v.string(), v.string()]));

/** Event `list`, client → hub: `[request id, scope]` */
export const listStores = v.strictTuple([natural, scope]);

/** `[name, 0 persistent | 1 ephemeral, keys]` */
export const storeInfo = v.strictTuple([name, v.picklist([0, 1]), natural]);
export type WireStoreInfo = v.InferOutput<typeof storeInfo>;

/**
 * Event `stores`, hub → client: a part of the answer to `list`.
 * `[request id, stores, 1 more parts follow | 0 this is the last, null | [error kind, message]]`
 */
export const stores = v.strictTuple([natural, v.array(storeInfo), v.picklist([0, 1]), refusal]);

/** Event `destroy`, client → hub: `[request id, store]` */
export const destroyStore = v.strictTuple([natural, storeRef]);

/** Event `destroyed`, hub → client: `[request id, null | [error kind, message]]` */
export const destroyed = v.strictTuple([natural, refusal]);
