import * as v from "valibot";
import { bytes, natural, topicRef } from "./common.ts";

/** Event `pub`, client → hub: `[topic, encoded value]` */
export const publish = v.strictTuple([topicRef, bytes]);

/** Event `sub`, client → hub: `[subscription id chosen by the client, topic]` */
export const subscribe = v.strictTuple([natural, topicRef]);

/** Event `unsub`, client → hub: `[subscription id]` */
export const unsubscribe = v.strictTuple([natural]);

/** Event `subscribed`, hub → client: `[subscription id, channel of the messages]` */
export const subscribed = v.strictTuple([natural, natural]);

/** Event `msg`, hub → client: `[channel, origin, encoded value]`. One buffer serves every subscriber. */
export const message = v.strictTuple([natural, v.string(), bytes]);

/** Event `lagged`, hub → client: `[subscription id, how many messages were dropped]` */
export const lagged = v.strictTuple([natural, natural]);

/** Event `unsubscribed`, hub → client: refused or ended by the hub. `[subscription id, error kind, message]` */
export const unsubscribed = v.strictTuple([natural, v.string(), v.string()]);
