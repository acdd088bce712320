export { Actions, type ActionsOptions } from "./actions.ts";
export { StoreHandle, type StoreHandleOptions } from "./store-handle.ts";
