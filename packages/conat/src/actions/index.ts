export { reportUncaught } from "../util/emitter.ts";
export { Actions, type ActionsOptions } from "./actions.ts";
export { type Lease, Leases, type Shareable } from "./leases.ts";
export { Listeners } from "./listeners.ts";
export type { RejectedWrite } from "./rejected-writes.ts";
export { LOADING, StoreHandle, type StoreHandleOptions, type StoreState } from "./store-handle.ts";
