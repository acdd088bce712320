import type * as v from "valibot";
import type { WireStoreRef } from "./messages/common.ts";
import type { bye, identity, leave, token, welcome } from "./messages/hello.ts";
import type * as store from "./messages/store.ts";
import type * as stores from "./messages/stores.ts";
import type * as topic from "./messages/topic.ts";

type Listener<Schema extends v.GenericSchema<unknown, unknown[]>> = (
  ...message: v.InferOutput<Schema>
) => void;

type OpenWithoutDoubt = [
  id: number,
  ref: WireStoreRef,
  checkpoint: v.InferOutput<typeof store.checkpoint> | null,
];

/** Socket.IO event map, client → hub. */
export interface ClientEvents {
  open: (...message: v.InferOutput<typeof store.openStore> | OpenWithoutDoubt) => void;
  close: Listener<typeof store.closeStore>;
  write: Listener<typeof store.write>;
  read: Listener<typeof store.read>;
  list: Listener<typeof stores.listStores>;
  destroy: Listener<typeof stores.destroyStore>;
  pub: Listener<typeof topic.publish>;
  sub: Listener<typeof topic.subscribe>;
  unsub: Listener<typeof topic.unsubscribe>;
  token: Listener<typeof token>;
  leave: Listener<typeof leave>;
}

/** Socket.IO event map, hub → client. */
export interface HubEvents {
  welcome: Listener<typeof welcome>;
  bye: Listener<typeof bye>;
  identity: Listener<typeof identity>;
  reset: Listener<typeof store.reset>;
  snapshot: Listener<typeof store.snapshot>;
  synced: Listener<typeof store.synced>;
  live: Listener<typeof store.live>;
  verified: Listener<typeof store.verified>;
  stale: Listener<typeof store.stale>;
  closed: Listener<typeof store.closed>;
  ack: Listener<typeof store.ack>;
  nack: Listener<typeof store.nack>;
  entry: Listener<typeof store.entry>;
  stores: Listener<typeof stores.stores>;
  destroyed: Listener<typeof stores.destroyed>;
  subscribed: Listener<typeof topic.subscribed>;
  msg: Listener<typeof topic.message>;
  lagged: Listener<typeof topic.lagged>;
  unsubscribed: Listener<typeof topic.unsubscribed>;
}
